/** One start of an emulated machine: `-M virt` with two Cortex-A76, its console in a file, ended by QMP or by force. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { environment } from './disk.mjs';
import { BootFailure } from './failure.mjs';

/** What the guest writes before it restarts for a one-shot start: the emulator hands no argument on. */
export const TRYBOOT_LINE = 'spikescope: tryboot requested';
/** The system's limits of time are those of a board, which an emulator is ten times slower than, and more beside others. */
const PATIENCE = 'systemd.default_device_timeout_sec=900 systemd.default_timeout_start_sec=900';
/**
 * The emulated processor speculates nothing; what the kernel does against that at each of its entries costs time alone. It
 * keeps page tables of its own for programs as long as it lies at a random address, whatever else is off, and an emulator
 * forgets all its translations at each change of tables: a start took 1.6 times as long.
 */
const NO_SPECULATION = 'mitigations=off nokaslr kpti=off';
const OVER = 'it is over';
/** The name of a stick, to the emulator. */
const STICK = 'stick';
/** Clock ticks of a second in /proc. */
const TICKS = 100;

/**
 * @typedef {object} Emulated
 * @property {import('./firmware.mjs').Start} start
 * @property {string} disk
 * @property {import('./guest.mjs').Guest | null} guest what is asked inside; null for a start as the card has it
 * @property {string} words behind the command line
 * @property {string} console a file
 * @property {string} folder for the socket
 * @property {number} processors
 * @property {readonly string[]} [forwards] of `-netdev user`, such as `tcp:127.0.0.1:2222-:22`
 */

export class Machine {
  /** @type {import('node:child_process').ChildProcess} */
  #process;
  #begun = performance.now();
  /** @type {string | null} */
  #reason = null;
  #isOver = false;
  #spent = 0;
  #sticks = 0;
  /** @type {import('node:net').Socket | null} */
  #control = null;
  /**
   * Who waits for an answer to a command, in their order: null, or what is wrong.
   * @type {((fault: string | null) => void)[]}
   */
  #asked = [];

  /** @param {Emulated} emulated */
  constructor(emulated) {
    const { console: log, folder } = emulated;
    this.console = log;
    this.socket = path.join(folder, 'qmp');
    rmSync(this.socket, { force: true });
    const output = openSync(`${log}.emulator`, 'a');
    // A machine that outlived whoever started it would go on writing to the card.
    const words = ['--pdeathsig', 'KILL', 'nice', '-n', '5', 'qemu-system-aarch64'];
    this.#process = spawn('setpriv', [...words, ...argumentsOf(emulated, this.socket)], {
      stdio: ['ignore', output, output],
      env: environment,
    });
    const sampling = setInterval(() => this.processor, 2_000);
    this.ended = once(this.#process, 'exit').then(async () => {
      clearInterval(sampling);
      // What it said last may still be on its way.
      await delay(200);
      this.#isOver = true;
      for (const answer of this.#asked.splice(0)) answer(OVER);
    });
    this.#listen().catch(() => {});
  }

  get isOver() {
    return this.#isOver;
  }

  /** Why it ended: `guest-reset`, `guest-shutdown`; null while it runs, and after a kill. */
  get reason() {
    return this.#reason;
  }

  /** Seconds since its start. */
  get wall() {
    return (performance.now() - this.#begun) / 1000;
  }

  /** Seconds of processor time of the emulator; once it is over, those of its last two seconds are not in it. */
  get processor() {
    try {
      const fields = readFileSync(`/proc/${this.#process.pid}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' ');
      // That of a process which has ended and was not waited for says 0.
      this.#spent = Math.max(this.#spent, (Number(fields[11]) + Number(fields[12])) / TICKS);
    } catch {}
    return this.#spent;
  }

  /** All that the guest has written so far. */
  get text() {
    try {
      return readFileSync(this.console, 'latin1');
    } catch {
      return '';
    }
  }

  /**
   * @param {() => boolean} isReached
   * @param {{ seconds: number, what: string }} limit
   * @throws {BootFailure} `BOOT_ENDED`, `BOOT_TIME`
   */
  async until(isReached, { seconds, what }) {
    while (!isReached()) {
      if (this.#isOver) throw this.#failure('BOOT_ENDED', 'The machine ended before its time', what);
      if (this.wall > seconds)
        throw this.#failure('BOOT_TIME', `The machine was not there after ${seconds} s`, what);
      await delay(500);
    }
  }

  /** The plug is pulled: nothing that the guest has not flushed is on the disk that it does not know of. */
  async pullPlug() {
    this.#process.kill('SIGKILL');
    await this.ended;
  }

  /**
   * Stands still while `work` goes on, with all that the guest has written in the file of its disk: what `work` sees is what
   * a pulled plug would leave. @template T @param {() => T} work @returns {Promise<T>}
   */
  async whilePaused(work) {
    await this.#command('stop');
    try {
      return work();
    } finally {
      await this.#command('cont');
    }
  }

  /** Somebody puts a stick in. @param {string} file what is on it */
  async putIn(file) {
    // Of its own each time: the emulator gives a name free only after all that went on with it.
    const drive = `stick-${++this.#sticks}`;
    const backing = { driver: 'file', filename: file };
    await this.#command('blockdev-add', {
      driver: 'raw',
      'node-name': drive,
      'read-only': true,
      file: backing,
    });
    await this.#command('device_add', {
      driver: 'usb-storage',
      id: STICK,
      drive,
      bus: 'usb.0',
      removable: true,
    });
  }

  /** Somebody pulls the stick out. */
  async takeOut() {
    await this.#command('device_del', { id: STICK });
  }

  /** @param {string} name @param {object} [words] */
  async #command(name, words = {}) {
    const fault = await new Promise((answer) => {
      if (this.#control === null || this.#isOver) return answer(OVER);
      this.#asked.push(answer);
      this.#control.write(`${JSON.stringify({ execute: name, arguments: words })}\n`);
    });
    if (fault === null) return;
    throw new BootFailure(
      fault === OVER ? 'BOOT_ENDED' : 'BOOT_COMMAND',
      'The emulator did not do what it was told',
      {
        ...{ place: this.console, expected: name, received: fault },
      },
    );
  }

  /** Whether this start ended with the wish for a one-shot start. */
  get wantsTryboot() {
    return this.#reason === 'guest-reset' && this.text.includes(TRYBOOT_LINE);
  }

  /** @param {string} code @param {string} message @param {string} expected */
  #failure(code, message, expected) {
    return new BootFailure(code, message, { place: this.console, expected, received: this.text.slice(-400) });
  }

  /** @param {{ event?: string, data?: { reason?: string }, return?: unknown, error?: { desc: string } }} said */
  #hear(said) {
    if (said.event === 'SHUTDOWN') this.#reason = said.data?.reason ?? null;
    if ('return' in said || 'error' in said) this.#asked.shift()?.(said.error?.desc ?? null);
  }

  async #listen() {
    for (let attempt = 0; attempt < 100 && !this.#isOver; attempt++) {
      try {
        const socket = createConnection(this.socket);
        await once(socket, 'connect');
        socket.on('error', () => {});
        const lines = createInterface({ input: socket });
        lines.on('line', (line) => this.#hear(JSON.parse(line)));
        // It passes on what befalls the socket, as when the plug is pulled with something unread in it.
        lines.on('error', () => {});
        this.#asked.push(() => {});
        socket.write('{"execute":"qmp_capabilities"}\n');
        this.#control = socket;
        return;
      } catch {
        await delay(100);
      }
    }
  }
}

/** @param {Emulated} emulated @param {string} socket */
function argumentsOf({ start, disk, guest, words, console: log, processors, forwards = [] }, socket) {
  const network = ['user', 'id=net', ...forwards.map((each) => `hostfwd=${each}`)].join(',');
  return [
    ...[
      '-M',
      'virt',
      '-cpu',
      'cortex-a76',
      '-smp',
      String(processors),
      '-m',
      '1G',
      '-nodefaults',
      '-display',
      'none',
      '-no-reboot',
    ],
    ...['-kernel', start.kernel, ...(start.initramfs === null ? [] : ['-initrd', start.initramfs])],
    ...[
      '-append',
      [start.commandLine, PATIENCE, NO_SPECULATION, words, ...(guest?.words ?? [])].join(' ').trim(),
    ],
    // What the guest flushes is on the disk, and what it does not may be lost with the plug.
    ...[
      '-drive',
      `file=${disk},if=none,id=card,format=raw,cache=writeback`,
      '-device',
      'virtio-blk-pci,drive=card,serial=card',
    ],
    ...(guest === null ? [] : guest.devices),
    ...['-netdev', network, '-device', 'virtio-net-pci,netdev=net,romfile='],
    // For sticks.
    ...['-device', 'qemu-xhci,id=usb'],
    ...['-device', 'virtio-rng-pci', '-serial', `file:${log}`, '-qmp', `unix:${socket},server=on,wait=off`],
  ];
}
