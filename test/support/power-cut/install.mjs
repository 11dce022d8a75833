/**
 * A device that takes one release after the other from sticks: fetches, writes, proves, starts, confirms or falls back.
 * Says what it would answer for, one line at a time:
 *
 *   reads <number>       a start reads with this release; 0 is what came with the program
 *   pending <number>     this release was proven
 *   confirmed <number>   this one has ended its trial
 */
import { readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { openDeviceJournal } from '../../../dist/store/device-journal.js';
import { Activation } from '../../../dist/updates/install/activation.js';
import { installFrom } from '../../../dist/updates/install/install-from.js';
import { Installed } from '../../../dist/updates/install/installed.js';
import { Installer } from '../../../dist/updates/install/installer.js';
import { FolderSource } from '../../../dist/updates/source/folder.js';
import { Updates } from '../../../dist/updates/updates.js';

const {
  WORKLOAD_DATA: data,
  WORKLOAD_STICKS: sticks,
  WORKLOAD_COUNT: count,
  WORKLOAD_FAILING: failing,
} = process.env;
const say = (line) => writeSync(1, `${line}\n`);
const { journal, fault } = openDeviceJournal(data);
if (fault !== null) throw fault;
const operation = { id: 'workload', source: 'stick', by: 'workload' };
const installed = new Installed({ data, journal, operation });
const device = { hardware: ['any'], cards: [], application: '0.1.0', journal: 2 };
const subscription = { channels: ['stable'], site: null, device };
const numberIn = (file) =>
  file === null ? 0 : Number(/^release (\d+) /.exec(readFileSync(file, 'latin1'))[1]);

/** One start with its captures, as `run` has it. @param ends whether it gets as far as its captures */
async function start(ends) {
  const activation = new Activation({ data, installed, kinds: ['model'], goodCaptures: 2 });
  await activation.beginStart();
  const number = numberIn(await activation.contentOf('model'));
  say(`reads ${number}`);
  if (!ends(number)) return;
  const wasOnTrial = activation.isOnTrial('model');
  for (let capture = 0; capture < 2; capture++) await activation.captureSucceeded();
  if (wasOnTrial) say(`confirmed ${number}`);
  await activation.orderlyEnd();
}

await start(() => true);
for (let number = 1; number <= Number(count); number++) {
  const updates = await Updates.open({
    ...{ data, journal, by: 'workload' },
    root: readFileSync(path.join(sticks, '1/metadata/1.root.json')),
  });
  const installer = new Installer({
    ...{ data, journal, operation },
    prove: async ({ path: file }) => ({
      passed: numberIn(file) !== Number(failing) + 1,
      items: [
        {
          name: 'golden.cpu',
          passed: numberIn(file) !== Number(failing) + 1,
          measured: null,
          required: 'a number',
        },
      ],
    }),
  });
  const source = new FolderSource(path.join(sticks, String(number)));
  const request = { target: `stable/model-1.0.${number}.bin`, kind: 'model', subscription };
  try {
    const { outcome } = await installFrom(updates, source, request, installer);
    if (outcome === 'pending') say(`pending ${number}`);
  } catch (error) {
    // What was begun before the power was cut may be refused now; the journal says why.
    if (!['PROOF_FAILED', 'INSTALL_REFUSED', 'INSTALL_OLDER', 'INSTALL_TRIAL_PENDING'].includes(error.code))
      throw error;
  }
  updates.close();
  // The failing one starts twice without getting anywhere, and falls back at the third start.
  for (let attempt = 1; attempt <= 3; attempt++) await start((reading) => reading !== Number(failing));
}
journal.close();
