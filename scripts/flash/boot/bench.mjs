/** A card in an emulated board, with a broker on the host: started as its firmware would, until it is told to end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import mqtt from 'mqtt';
import { Disk, environment } from './disk.mjs';
import { BootFailure } from './failure.mjs';
import { Firmware } from './firmware.mjs';
import { Guest } from './guest.mjs';
import { Machine } from './machine.mjs';
import { Operator } from './operator.mjs';
import { UpdateTopic } from './update-topic.mjs';

/** How the guest sees this host: the gateway of `-netdev user`. */
export const HOST = '10.0.2.2';
/** As topics name it. */
const DEVICE = 'emulated';
/** A disk that the first start has to grow into. */
const CARD_BYTES = 3 * 2 ** 30;
/** What the unit starts. */
export const APPLIANCE =
  '/usr/bin/node /opt/spikescope/node_modules/spikescope/bin/spikescope-launch.mjs run --config /etc/spikescope/spikescope.yaml --data /var/lib/spikescope';
/**
 * Phantoms have a folder of their own elsewhere; here they stand for the camera, and read with what is installed. The limits
 * of time are those of a board, which an emulator is ten times slower than.
 */
const OWN_DATA = `[Service]
TimeoutStartSec=10min
WatchdogSec=2min
ExecStart=
ExecStart=${APPLIANCE}
`;

export class Bench {
  firmware = new Firmware();
  /** Readings of all starts, as often as they came. */
  readings = 0;
  /** Which they were. @type {Set<string>} */
  heard = new Set();
  #starts = 0;
  #readingsBefore = 0;
  /** @type {Operator | null} */
  operator = null;
  /** What the firmware chose last. @type {import('./firmware.mjs').Start | null} */
  started = null;
  /** What the device has told of updates last. @type {UpdateTopic | null} */
  updates = null;
  /** Seconds of processor time of the machines that are over. */
  #spent = 0;
  /** @type {Machine | null} */
  #machine = null;
  /** @type {(() => Promise<void> | void)[]} */
  #closing = [];

  /** @param {string} folder @param {Disk} disk @param {number} brokerPort @param {number} processors of the machine */
  constructor(folder, disk, brokerPort, processors) {
    this.processors = processors;
    this.folder = folder;
    this.disk = disk;
    this.brokerPort = brokerPort;
    this.guest = new Guest(folder, {
      'spikescope.service': OWN_DATA,
      'spikescope-boot-request.service': '[Service]\nTimeoutStartSec=10min\n',
    });
  }

  /**
   * @param {{ image: string, folder: string, files?: Readonly<Record<string, string>>, updates?: number | null,
   *   settings?: readonly string[], processors: number, port?: number, card?: Disk | null }} wish what is laid on the
   *   partition `config` beside the setup, the port of a repository on this host, lines of the appliance's settings; the
   *   port of the broker; a card that has been set up and is gone on with
   */
  static async open(wish) {
    const { image, folder, processors, files = {}, updates = null, settings = [], card = null } = wish;
    mkdirSync(folder, { recursive: true });
    const broker = await startBroker(folder, wish.port ?? (await freePort()));
    const disk = card ?? Disk.copy(image, cardOf(folder), CARD_BYTES);
    const bench = new Bench(folder, disk, broker.port, processors);
    bench.#closing.push(broker.stop);
    if (card === null) bench.#lay(files, updates, settings);
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port}`);
    bench.#closing.push(() => client.endAsync(true));
    bench.operator = new Operator(client, DEVICE);
    bench.#closing.push(() => bench.operator?.close());
    bench.updates = new UpdateTopic(client, DEVICE);
    client.on('message', (topic, payload) => {
      if (!/^spikescope\/[^/]+\/result$/.test(topic)) return;
      bench.readings++;
      bench.heard.add(JSON.parse(payload.toString()).id);
    });
    await client.subscribeAsync('spikescope/#', { qos: 1 });
    return bench;
  }

  /** Seconds of processor time of all its machines. */
  get processor() {
    return this.#spent + (this.#machine?.processor ?? 0);
  }

  /** Whether this start has come to a reading. */
  get isReading() {
    return this.readings > this.#readingsBefore;
  }

  /**
   * As a technician would set the device up. @param {Readonly<Record<string, string>>} files @param {number | null} updates
   * @param {readonly string[]} settings
   */
  #lay(files, updates, settings) {
    const setup = [
      ...[`device: ${DEVICE}`, ...('update-root.json' in files ? ['update-root: update-root.json'] : [])],
      ...['appliance:', '  source: phantom', `  broker: mqtt://${HOST}:${this.brokerPort}`, '  log: json'],
      ...settings.map((each) => `  ${each}`),
      ...(updates === null ? [] : ['  updates:', `    from: http://${HOST}:${updates}`]),
    ];
    for (const [name, text] of Object.entries({
      ...files,
      'spikescope-config.yaml': `${setup.join('\n')}\n`,
    })) {
      const file = path.join(this.folder, name);
      writeFileSync(file, text);
      this.disk.writeFat('config', name, file);
    }
  }

  /** Starts what the firmware chooses. @param {{ words?: string, asked?: boolean }} [how] @returns {Machine} */
  start({ words = '', asked = true } = {}) {
    const start = this.firmware.start(this.disk, path.join(this.folder, 'started'));
    const log = path.join(this.folder, `console-${String(++this.#starts).padStart(3, '0')}.txt`);
    rmSync(log, { force: true });
    if (asked) this.guest.begin();
    this.#readingsBefore = this.readings;
    this.#spent = this.processor;
    this.#machine = new Machine({
      ...{ start, words, folder: this.folder, console: log, disk: this.disk.file },
      processors: this.processors,
      guest: asked ? this.guest : null,
    });
    this.started = start;
    return this.#machine;
  }

  /** What the firmware remembers of how a machine has ended. @param {Machine} machine */
  remember(machine) {
    if (machine.reason === 'guest-reset') this.firmware.restarted(machine.wantsTryboot ? '0 tryboot' : null);
    else this.firmware.powerCut();
  }

  /**
   * Starts again and again, as a board does, until a start has come where it should.
   * @param {(machine: Machine) => boolean} isReached
   * @param {{ seconds: number, starts: number, what: string, words?: string }} limit
   */
  async startsUntil(isReached, { seconds, starts, what, words }) {
    for (let i = 0; i < starts; i++) {
      const machine = this.start({ ...(words !== undefined && { words }) });
      try {
        await machine.until(() => isReached(machine), { seconds, what });
        return machine;
      } catch (error) {
        if (!(error instanceof BootFailure) || error.code !== 'BOOT_ENDED') throw error;
        this.remember(machine);
      }
    }
    throw new BootFailure('BOOT_ENDED', `The machine was not there after ${starts} starts`, {
      expected: what,
    });
  }

  /**
   * A start that is given so many seconds, with the restarts that the device makes by itself meanwhile.
   * @param {number} seconds @param {number} starts at most
   */
  async startsFor(seconds, starts) {
    return this.runsFor(this.start(), seconds, starts);
  }

  /**
   * As `startsFor`, beginning with a machine that runs.
   * @param {Machine} machine @param {number} seconds @param {number} starts
   */
  async runsFor(machine, seconds, starts) {
    const until = performance.now() + seconds * 1000;
    for (let i = 1; ; i++) {
      await Promise.race([delay(Math.max(0, until - performance.now())), machine.ended]);
      if (!machine.isOver || i === starts) return machine;
      this.remember(machine);
      machine = this.start();
    }
  }

  /** Ends the machine and all that serves it. */
  async close() {
    if (this.#machine !== null && !this.#machine.isOver) await this.#machine.pullPlug();
    for (const close of this.#closing.reverse()) await close();
  }
}

/** @param {string} folder */
export function cardOf(folder) {
  return path.join(folder, 'card.img');
}

/** @param {string} folder @param {number} port @returns {Promise<{ port: number, stop: () => Promise<void> }>} */
async function startBroker(folder, port) {
  const file = path.join(folder, 'mosquitto.conf');
  // As whoever starts it: a change of user would have it outlive this process, and keep its port.
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'persistence false',
    `user ${userInfo().username}`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const words = ['--pdeathsig', 'TERM', 'mosquitto', '-c', file];
  const broker = spawn('setpriv', words, { stdio: 'ignore', env: environment });
  await Promise.race([once(broker, 'spawn'), once(broker, 'error').then(([error]) => Promise.reject(error))]);
  await delay(500);
  return {
    port,
    stop: async () => {
      if (broker.exitCode !== null) return;
      broker.kill('SIGTERM');
      await once(broker, 'exit');
    },
  };
}

/** @returns {Promise<number>} */
export async function freePort() {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === 'string') throw new RangeError('no port');
  return address.port;
}

/** Programs without which nothing can be started, as words for a person; null where all are there. */
export function missingTools() {
  const folders = (environment.PATH ?? '').split(':');
  const needed = [
    'sfdisk',
    'mtype',
    'mcopy',
    'e2fsck',
    'debugfs',
    'setpriv',
    'mosquitto',
    'qemu-system-aarch64',
  ];
  const missing = needed.filter((name) => !folders.some((each) => existsSync(path.join(each, name))));
  return missing.length === 0 ? null : missing.join(', ');
}
