/**
 * Asks things inside an emulated machine. The image has nothing for it: whoever owns the emulator hands systemd a unit as a
 * credential on the kernel's command line (systemd.system-credentials(7), `systemd.extra-unit.`), whose script lies on
 * a disk
 * that only the emulator has. Commands and answers pass over another such disk.
 */
import { closeSync, openSync, readFileSync, readSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BootFailure } from './failure.mjs';

const SCRIPT = fileURLToPath(new URL('guest.sh', import.meta.url));
const COMMAND_BYTES = 65_536;
const MAIL_BYTES = 4 * 2 ** 20;
/** Waits for nothing of the system, so that one which ails can be asked why; goes on where that ends in an emergency. */
const UNIT = `[Unit]
DefaultDependencies=no
IgnoreOnIsolate=yes
[Service]
ExecStart=/bin/sh -c 'while :; do for d in /sys/block/vd*; do test "$$(cat $$d/serial)" = checks && exec sh /dev/$$(basename $$d); done; sleep 1; done'
`;

export class Guest {
  #number = 0;

  /**
   * @param {string} folder for its two disks
   * @param {Readonly<Record<string, string>>} [dropIns] by name of a unit, what is said of it beside the image
   */
  constructor(folder, dropIns = {}) {
    this.dropIns = dropIns;
    this.checks = path.join(folder, 'checks.img');
    this.mail = path.join(folder, 'mail.img');
    const script = readFileSync(SCRIPT, 'utf8');
    writeFileSync(this.checks, script.padEnd(Math.ceil(script.length / 4096) * 4096, '\n'));
    writeFileSync(this.mail, '');
    truncateSync(this.mail, MAIL_BYTES);
  }

  /** Of the emulator. */
  get devices() {
    const disk = (/** @type {string} */ name, /** @type {string} */ file, /** @type {string} */ mode) => [
      ...['-drive', `file=${file},if=none,id=${name},format=raw,file.locking=off${mode}`],
      ...['-device', `virtio-blk-pci,drive=${name},serial=${name}`],
    ];
    return [...disk('checks', this.checks, ',readonly=on'), ...disk('mail', this.mail, '')];
  }

  /** Of the kernel's command line. */
  get words() {
    const credential = (/** @type {string} */ name, /** @type {string} */ text) =>
      `systemd.set_credential_binary=${name}:${Buffer.from(text).toString('base64')}`;
    return [
      credential('systemd.extra-unit.harness.service', UNIT),
      ...Object.entries(this.dropIns).map(([unit, text]) => credential(`systemd.unit-dropin.${unit}`, text)),
      'systemd.wants=harness.service',
    ];
  }

  /** Before a start: a machine begins to count anew. */
  begin() {
    this.#number = 0;
    this.#write(0, Buffer.alloc(COMMAND_BYTES));
    this.#write(COMMAND_BYTES, Buffer.alloc(COMMAND_BYTES));
  }

  /**
   * Runs lines of a shell inside, as root.
   * @param {{ readonly isOver: boolean }} machine @param {string} command @param {number} [seconds]
   * @returns {Promise<{ code: number, text: string }>}
   * @throws {BootFailure} `BOOT_GUEST`
   */
  async ask(machine, command, seconds = 600) {
    const number = ++this.#number;
    const text = `${number}\n${command}\n`;
    if (text.length > COMMAND_BYTES) throw new RangeError('a command of more than 64 KiB');
    const block = Buffer.alloc(COMMAND_BYTES);
    block.write(text);
    this.#write(0, block);
    const until = performance.now() + seconds * 1000;
    for (;;) {
      const answer = this.#answer(number);
      if (answer !== null) return answer;
      if (machine.isOver || performance.now() > until) {
        const expected = machine.isOver ? 'an answer before its end' : `an answer within ${seconds} s`;
        throw new BootFailure('BOOT_GUEST', 'The machine did not answer', { place: command, expected });
      }
      await delay(300);
    }
  }

  /** @param {number} number */
  #answer(number) {
    const said = this.#read();
    const end = said.indexOf(`\nEND ${number}\n`);
    if (!said.startsWith(`ANSWER ${number}\n`) || end < 0) return null;
    const [, text, code] = /^ANSWER \d+\n([\s\S]*)\nEXIT (\d+)$/.exec(said.slice(0, end)) ?? [];
    return text === undefined ? null : { code: Number(code), text };
  }

  #read() {
    const handle = openSync(this.mail, 'r');
    try {
      const bytes = Buffer.alloc(MAIL_BYTES - COMMAND_BYTES);
      readSync(handle, bytes, 0, bytes.length, COMMAND_BYTES);
      return bytes.toString('utf8');
    } finally {
      closeSync(handle);
    }
  }

  /** @param {number} at @param {Buffer} bytes */
  #write(at, bytes) {
    const handle = openSync(this.mail, 'r+');
    try {
      writeSync(handle, bytes, 0, bytes.length, at);
    } finally {
      closeSync(handle);
    }
  }
}
