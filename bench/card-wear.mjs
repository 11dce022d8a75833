/**
 * Bytes that reach the medium for each capture that is recorded and acknowledged: what an SD card's life depends on. As the
 * kernel counts what this process has it write (write_bytes of /proc/self/io); Linux, and a folder on a real disk.
 *
 *   node bench/card-wear.mjs [--captures 500] [--before 0] [--folder /var/tmp] [--json]
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openDeviceJournal } from '../dist/store/device-journal.js';

/** Bytes of a result as they are published, about. */
const PAYLOAD = 1050;

/**
 * @param {{captures: number, before: number, folder: string}} options `before`: captures that the journal holds already
 * @returns {{captures: number, written: number, grown: number, milliseconds: number}} bytes and time for each capture
 */
export function measureCardWear({ captures, before, folder }) {
  const data = mkdtempSync(path.join(folder, 'card-wear-'));
  try {
    const record = (count) => {
      const { journal } = openDeviceJournal(data);
      for (let i = 0; i < count; i++) {
        const id = randomUUID();
        const payload = JSON.stringify({ id, filler: 'x'.repeat(PAYLOAD - 60) });
        journal.append({ id, capturedAt: new Date().toISOString(), payload, session: 'patient' });
        journal.acknowledge(journal.waiting(1));
      }
      journal.close();
    };
    record(before);
    const size = () => statSync(path.join(data, 'journal.sqlite')).size;
    const [written, grown, started] = [writtenBytes(), size(), performance.now()];
    record(captures);
    const each = (total) => Math.round(total / captures);
    return {
      captures,
      written: each(writtenBytes() - written),
      grown: each(size() - grown),
      milliseconds: Number(((performance.now() - started) / captures).toFixed(2)),
    };
  } finally {
    rmSync(data, { recursive: true });
  }
}

function writtenBytes() {
  return Number(/^write_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}

const { values } = parseArgs({
  options: {
    captures: { type: 'string', default: '500' },
    before: { type: 'string', default: '0' },
    folder: { type: 'string', default: '/var/tmp' },
    json: { type: 'boolean', default: false },
  },
});
const measured = measureCardWear({
  captures: Number(values.captures),
  before: Number(values.before),
  folder: values.folder,
});
if (values.json) process.stdout.write(`${JSON.stringify(measured)}\n`);
else {
  const { written, grown, milliseconds } = measured;
  process.stdout.write(
    `${written} bytes written for each capture, of which the journal keeps ${grown}; ${milliseconds} ms each\n`,
  );
}
