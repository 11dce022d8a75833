/**
 * Takes one stick after the other, each with a newer release, and says what it would answer for:
 *
 *   trusted <number>   the metadata of this stick is trusted
 *   staged <number>    its release lies on the device
 */
import { readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { openDeviceJournal } from '../../../dist/store/device-journal.js';
import { FolderSource } from '../../../dist/updates/source/folder.js';
import { Updates } from '../../../dist/updates/updates.js';

const { WORKLOAD_DATA: data, WORKLOAD_STICKS: sticks, WORKLOAD_COUNT: count } = process.env;
const say = (line) => writeSync(1, `${line}\n`);
const { journal, fault } = openDeviceJournal(data);
if (fault !== null) throw fault;
const root = readFileSync(path.join(sticks, '1/metadata/1.root.json'));
const updates = await Updates.open({ data, journal, root, by: 'workload' });
for (let number = 1; number <= Number(count); number++) {
  const source = new FolderSource(path.join(sticks, String(number)));
  const { outcome } = await updates.use(source, async (repository) => {
    const target = await repository.target(`stable/model-1.0.${number}.bin`);
    await repository.fetch(target);
    say(`staged ${number}`);
  });
  if (outcome === 'trusted') say(`trusted ${number}`);
}
updates.close();
journal.close();
