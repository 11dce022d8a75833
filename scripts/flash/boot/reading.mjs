/** From the reset to the first reading and on: what a start takes, and what is seen inside. */
import { setTimeout as delay } from 'node:timers/promises';
import { APPLIANCE } from './bench.mjs';
import { BootFailure } from './failure.mjs';

/** Kilobytes in all for which everything is to do: kernel, system, appliance. */
export const MEMORY_KILOBYTES = 200 * 1024;
/** UDP 68: the client of DHCP. */
const DOCUMENTED_PORTS = ['udp 68', 'udp6 546'];

/** What is asked inside, by name; each is a few lines of a shell. */
const QUESTIONS = {
  // Before that is over, systemd says nothing of what the start took.
  running: 'timeout 300 systemctl is-system-running --wait',
  memory: 'cat /proc/meminfo',
  mounts: 'cat /proc/mounts',
  writing:
    'if touch /usr/proof; then echo "a file in /usr was made"; fi; mount -o remount,rw / && echo "it was made writable"',
  verity: 'dmsetup table system 2>/dev/null || cat /sys/block/dm-0/dm/name',
  failed: 'systemctl --failed --no-legend --plain',
  chain: 'systemd-analyze critical-chain --no-pager spikescope.service',
  time: 'systemd-analyze time',
  ports: 'for p in tcp tcp6 udp udp6; do sed "s/^/$p /" /proc/net/$p; done',
  written: 'cat /sys/block/vda/stat',
  // The image has no `ps`. Kilobytes of its own, and its part of what it shares with others.
  processes:
    'for p in /proc/[0-9]*; do k=$(sed -n "s/^Pss: *\\([0-9]*\\) kB/\\1/p" $p/smaps_rollup 2>/dev/null) || continue; ' +
    'if [ -n "$k" ]; then echo "$k $(tr "\\0" " " < $p/cmdline)"; fi; done | sort -rn | head -16 | cut -c 1-160',
};

/** The same appliance, waiting for a press that never comes. */
const AT_REST = `mkdir -p /run/systemd/system/spikescope.service.d
printf '[Service]\\nExecStart=\\nExecStart=%s\\n' '${APPLIANCE} --trigger buttons' > /run/systemd/system/spikescope.service.d/zz-rest.conf
systemctl daemon-reload && systemctl restart spikescope.service`;
const DAY_SECONDS = 86_400;

/**
 * @param {import('./bench.mjs').Bench} bench
 * @param {{ readings: number, idle: number, ask: readonly string[], seconds: number, say: (line: string) => void }} options
 *   `idle`: seconds without a reading over which writes are counted; 0 for none; `ask`: lines of a shell inside
 */
export async function bootToReading(bench, { readings, idle, ask, seconds, say }) {
  const machine = bench.start();
  /** @param {string} what @param {() => boolean} isReached */
  const reach = async (what, isReached) => {
    await machine.until(isReached, { seconds, what });
    const at = { wall: round(machine.wall), processor: machine.processor };
    say(`${what}: ${at.wall} s, ${at.processor} s of processor time`);
    return at;
  };
  const login = await reach('login prompt', () => /login: *$/m.test(machine.text));
  const first = await reach('first reading at the broker', () => bench.readings > 0);
  const before = await bench.guest.ask(machine, QUESTIONS.written);
  const counted = bench.readings;
  const last = await reach(`${readings} readings`, () => bench.readings >= readings);
  /** @type {Record<string, string>} */
  const answers = {};
  for (const [name, question] of Object.entries(QUESTIONS)) {
    answers[name] = (await bench.guest.ask(machine, question)).text.trim();
  }
  const asked = [];
  for (const command of ask) asked.push({ command, ...(await bench.guest.ask(machine, command)) });
  const perReading =
    ((sectors(answers.written) - sectors(before.text)) * 512) / Math.max(1, bench.readings - counted);
  const perIdleDay = idle === 0 ? null : await writtenAtRest(bench, machine, idle, seconds);
  return {
    machine,
    report: {
      ...{ login, first, last, readings: bench.readings, partition: bench.started?.partition },
      bytesWrittenPerReading: Math.round(perReading),
      bytesWrittenPerIdleDay: perIdleDay,
      memoryKilobytes: memoryIn(answers.memory),
      listening: listeningIn(answers.ports),
      ...{ answers, asked },
    },
    findings: findingsOf(answers),
  };
}

/**
 * Bytes that the card takes in a day without a reading, from what it takes in a part of one.
 * @param {import('./bench.mjs').Bench} bench @param {import('./machine.mjs').Machine} machine @param {number} idle
 * @param {number} seconds
 */
async function writtenAtRest(bench, machine, idle, seconds) {
  const rest = await bench.guest.ask(machine, AT_REST, seconds);
  if (rest.code !== 0)
    throw new BootFailure('BOOT_GUEST', 'The appliance does not come to rest', { received: rest.text });
  // What the start itself has written is on the card by then.
  await delay(60_000);
  const before = await bench.guest.ask(machine, QUESTIONS.written);
  await delay(idle * 1000);
  const after = await bench.guest.ask(machine, QUESTIONS.written);
  return Math.round((sectors(after.text) - sectors(before.text)) * 512 * (DAY_SECONDS / idle));
}

/** What is not as it must be, in words. @param {Readonly<Record<string, string>>} answers @returns {string[]} */
export function findingsOf({ memory, mounts, writing, failed, ports }) {
  const root = mounts.split('\n').find((line) => line.split(' ')[1] === '/') ?? '';
  const used = memoryIn(memory);
  const open = listeningIn(ports).filter((each) => !DOCUMENTED_PORTS.includes(each));
  return [
    ...(/^\S+ \/ \S+ (\S+,)?ro(,|\s)/.test(root) ? [] : [`the root is not mounted read-only: ${root}`]),
    ...(/was made/.test(writing) ? [`the root can be written: ${writing}`] : []),
    ...(failed === '' ? [] : [`units have failed: ${failed}`]),
    ...(used <= MEMORY_KILOBYTES ? [] : [`${used} kB of memory are in use, ${MEMORY_KILOBYTES} kB may be`]),
    ...(open.length === 0 ? [] : [`ports are open that are not documented: ${open.join(', ')}`]),
  ];
}

/** Kilobytes that could not be had at once. @param {string} text of /proc/meminfo */
export function memoryIn(text) {
  const of = (/** @type {string} */ name) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN);
  const used = of('MemTotal') - of('MemAvailable');
  if (Number.isNaN(used)) throw new BootFailure('BOOT_GUEST', 'The machine says nothing of its memory');
  return used;
}

/**
 * Sockets that others than this machine can reach, such as `udp 68`. @param {string} text of /proc/net, the name before
 * each line
 */
export function listeningIn(text) {
  const found = text.split('\n').flatMap((line) => {
    const [, kind, address, port, state] =
      /^(tcp6?|udp6?) +\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ ([0-9A-F]{2})/.exec(line) ?? [];
    const waits = kind?.startsWith('tcp') ? state === '0A' : state === '07';
    const isOwn = /^(?:[0-9A-F]{6}7F|0{24}01000000|0{16}FFFF0000[0-9A-F]{6}7F)$/.test(address ?? '');
    return waits && !isOwn ? [`${kind} ${Number.parseInt(port, 16)}`] : [];
  });
  return [...new Set(found)].sort();
}

/** Sectors of 512 bytes that were written. @param {string} text of /sys/block/…/stat */
function sectors(text) {
  return Number(text.trim().split(/\s+/)[6]);
}

/** @param {number} seconds */
function round(seconds) {
  return Math.round(seconds * 10) / 10;
}
