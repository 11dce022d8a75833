/**
 * Releases on their way from an office to the readings of a device. Web server, broker, device and pull are processes of
 * their own; the test does what systemd does on a device: it starts the program again, and a pull where one is wished.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { verifyJournalFile } from '../../src/store/inspect.ts';
import { Journal } from '../../src/store/journal.ts';
import { type Appliance, startAppliance } from '../support/appliance.ts';
import { type CuttingProxy, startCuttingProxy } from '../support/cutting-proxy.ts';
import { hasLighttpd, type Lighttpd, startLighttpd } from '../support/lighttpd.ts';
import { hasMosquitto, type Mosquitto, startMosquitto } from '../support/mosquitto.ts';
import { Random } from '../support/random.ts';
import { bundleOfVersion } from '../support/updates/bundles.ts';
import { Office } from '../support/updates/office.ts';

/** The network is there for so long at a time; the nightly run sets 60. */
const UP = 1000 * Number(process.env.SPIKESCOPE_NETWORK_SECONDS ?? 5);
const DOWN = 1_000;
/** Of pieces of 16 KiB, and with each its connection. */
const LOST = { share: 0.05, piece: 16_384 };
const DEVICE = 'clinic-1';

let office: Office;
let broker: Mosquitto;
let server: Lighttpd;
let overseer: MqttClient;
let folder: string;
let network: Network;
let device: SupervisedDevice;

/** A way to the web server that is there for a while, gone for a while, and lossy while it is there. */
class Network {
  readonly url: string;
  readonly #proxy: CuttingProxy;
  #timer: NodeJS.Timeout | null = null;

  constructor(proxy: CuttingProxy) {
    this.#proxy = proxy;
    this.url = proxy.url;
    this.#change(true);
  }

  get bytes(): number {
    return this.#proxy.bytes;
  }

  get cuts(): number {
    return this.#proxy.cuts;
  }

  #change(isUp: boolean): void {
    this.#proxy.isUp = isUp;
    this.#timer = setTimeout(() => this.#change(!isUp), isUp ? UP : DOWN);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#proxy.close();
  }
}

const resultSchema = z.object({ id: z.string(), model: z.object({ version: z.string() }) });

/** The appliance, started again whenever it ends in order, and pulls where they are wished. */
class SupervisedDevice {
  readonly data = path.join(folder, 'data');
  readonly configuration = path.join(folder, 'spikescope.yaml');
  /** By identifier, each once. */
  readonly versions = new Map<string, string>();
  starts = 0;
  pulls: { outcome: string; bytes: number }[] = [];
  #appliance: Appliance | null = null;
  #isStopped = false;
  readonly #work: Promise<unknown>;

  constructor(source: string, root: string) {
    const bandwidth = Math.ceil(bundleOfVersion('9.1.0').length / 1000 / ((0.8 * UP) / 1000));
    const lines = [
      ...['source: phantom', 'trigger: auto', 'interval: 200', `device-id: ${DEVICE}`, `data: ${this.data}`],
      ...[`broker: ${broker.url}`, 'allow-commands: [update]'],
      ...['updates:', `  from: ${source}`, `  root: ${root}`, `  bandwidth: ${bandwidth}`],
    ];
    writeFileSync(this.configuration, `${lines.join('\n')}\n`);
    this.#work = Promise.all([this.#keepRunning(), this.#attendWishes()]);
  }

  async untilVersion(version: string): Promise<void> {
    await expect.poll(() => [...this.versions.values()].includes(version), { timeout: 300_000 }).toBe(true);
  }

  pull(...words: string[]): Promise<z.infer<typeof pullSchema>> {
    return pullWith([...words, '--config', this.configuration, '--json']);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#appliance?.kill('SIGTERM');
    await this.#work;
  }

  async #keepRunning(): Promise<void> {
    while (!this.#isStopped) {
      const appliance = startAppliance(['--config', this.configuration, '--json'], () => {}, {
        INVOCATION_ID: '0123456789abcdef0123456789abcdef',
        SPIKESCOPE_UPDATES_BY: 'unit',
      });
      this.#appliance = appliance;
      this.starts++;
      for (let seen = 0, isRunning = true; isRunning; ) {
        isRunning = await Promise.race([appliance.ended.then(() => false), delay(100, true)]);
        for (; seen < appliance.lines.length; seen++) this.#note(appliance.lines[seen]);
      }
      expect(await appliance.ended, appliance.stderr()).toEqual({ exitCode: 0, signal: null });
    }
  }

  #note(line: string): void {
    const { id, model } = resultSchema.parse(JSON.parse(line));
    this.versions.set(id, model.version);
  }

  /** As spikescope-update.path and the timer do. */
  async #attendWishes(): Promise<void> {
    while (!this.#isStopped) {
      await delay(100);
      if (!existsSync(path.join(this.data, 'updates/wanted'))) continue;
      for (let outcome = 'failed'; outcome === 'failed' && !this.#isStopped; ) {
        const pulled = await this.pull();
        this.pulls.push(pulled);
        outcome = pulled.outcome;
        if (outcome === 'failed') await delay(500);
      }
    }
  }
}

const pullSchema = z.object({ outcome: z.string(), bytes: z.number().default(0) });

/** A pull in a process of its own. What the network ends is `failed`. */
function pullWith(words: readonly string[]): Promise<z.infer<typeof pullSchema>> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['bin/spikescope.mjs', 'provision', 'pull', ...words], (error, stdout) => {
      resolve(error === null ? pullSchema.parse(JSON.parse(stdout)) : { outcome: 'failed', bytes: 0 });
    });
  });
}

/** Nobody keeps a command for a device that is not there yet. */
async function untilDeviceListens(): Promise<void> {
  const subscribed = new RegExp(`Received SUBSCRIBE from spikescope-${DEVICE}$`, 'gm');
  await expect
    .poll(() => [...broker.log().matchAll(subscribed)].length, { timeout: 60_000 })
    .toBe(device.starts);
}

/** Asks the device over MQTT, and measures until it reads with what was published. */
async function ask(version: string): Promise<{ seconds: number; bytes: number; cuts: number }> {
  await untilDeviceListens();
  const [started, bytes, cuts] = [performance.now(), network.bytes, network.cuts];
  const command = { schema: 'spikescope/command/1', id: `command-${version}` };
  await overseer.publishAsync(`spikescope/${DEVICE}/command/update`, JSON.stringify(command), { qos: 1 });
  await device.untilVersion(version);
  return {
    seconds: Math.round(performance.now() - started) / 1000,
    bytes: network.bytes - bytes,
    cuts: network.cuts - cuts,
  };
}

describe.skipIf(!hasMosquitto || !hasLighttpd)('a clinic that is far away', { timeout: 1_200_000 }, () => {
  let older: string;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'end-to-end-'));
    office = await Office.open();
    await office.add(bundleOfVersion('9.1.0'), '9.1.0', { name: 'qana64' });
    await office.publish();
    older = await office.stick('older');
    [broker, server] = [await startMosquitto(), await startLighttpd(office.workspace.public)];
    overseer = await connectAsync(broker.url, { protocolVersion: 5 });
    network = new Network(await startCuttingProxy(server.port, { random: new Random(8), ...LOST }));
    device = new SupervisedDevice(network.url, path.join(older, 'metadata/1.root.json'));
  }, 120_000);
  afterAll(async () => {
    await device?.stop();
    network?.close();
    await overseer?.endAsync();
    await Promise.all([server?.stop(), broker?.stop()]);
    office?.end();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it('gets a release over a network that comes and goes, when it is asked to look', async () => {
    console.info(
      `first release, from its publication to the first reading: ${JSON.stringify(await ask('9.1.0'))}`,
    );
    expect(device.starts).toBe(2);
  });

  it('follows its office to other keys, and takes what those have signed', async () => {
    await office.renewKeys();
    await office.add(bundleOfVersion('9.2.0'), '9.2.0', { name: 'qana64' });
    await office.publish();
    console.info(`second release, other keys: ${JSON.stringify(await ask('9.2.0'))}`);
    expect(device.starts).toBe(3);
  });

  it('takes a stick after that, and nothing of one that is older', async () => {
    await office.add(bundleOfVersion('9.3.0'), '9.3.0', { name: 'qana64' });
    await office.publish();
    const stick = await office.stick('newer');
    expect(await device.pull('--from', older)).toMatchObject({ outcome: 'older' });
    const started = performance.now();
    // Refused as long as the release before is on trial.
    await expect
      .poll(async () => (await device.pull('--from', stick)).outcome, { timeout: 120_000 })
      .toBe('pending');
    await device.untilVersion('9.3.0');
    console.info(`stick: ${Math.round(performance.now() - started) / 1000} s`);
  });

  it('has lost no reading on the way, and a journal that holds', async () => {
    await device.stop();
    const file = path.join(device.data, 'journal.sqlite');
    expect(verifyJournalFile(file, null)).toMatchObject({ sound: true });
    const journal = Journal.open(file);
    try {
      const recorded = [...journal.entries()].map(({ id }) => id);
      expect([...device.versions.keys()].toSorted()).toEqual(recorded.toSorted());
    } finally {
      journal.close();
    }
    const versions = [...device.versions.values()].filter((each, i, all) => each !== all[i - 1]);
    expect(versions.slice(1)).toEqual(['9.1.0', '9.2.0', '9.3.0']);
  });
});
