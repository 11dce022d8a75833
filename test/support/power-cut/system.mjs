/**
 * A device with two slots for its system that takes one system after the other: writes, proves, tries, confirms and commits.
 * Says what it would answer for, one line at a time:
 *
 *   runs <number>        a start of this system; 0 is what came with the device
 *   confirmed <number>   this one has ended its trial
 *   committed <number>   starts take it from now on
 */
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { openDeviceJournal } from '../../../dist/store/device-journal.js';
import { Activation } from '../../../dist/updates/install/activation.js';
import { Installed } from '../../../dist/updates/install/installed.js';
import { Installer } from '../../../dist/updates/install/installer.js';
import { carryOut } from '../../../dist/updates/system/carry-out.js';
import { request } from '../../../dist/updates/system/places.js';
import { proveSystem } from '../../../dist/updates/system/prove-system.js';
import { systemSlots } from '../../../dist/updates/system/system-slots.js';
import { beginSystemStart } from '../../../dist/updates/system/system-start.js';

const { WORKLOAD_FOLDER: folder, WORKLOAD_MACHINE: machine, WORKLOAD_COUNT: count } = process.env;
const say = (line) => writeSync(1, `${line}\n`);
const data = path.join(folder, 'data');
const places = {
  ...{ partitions: path.join(folder, 'partitions'), config: path.join(folder, 'config') },
  // Not of the medium: what the kernel says.
  ...{ commandLine: path.join(machine, 'cmdline'), release: path.join(machine, 'os-release') },
};
const { journal, fault } = openDeviceJournal(data);
if (fault !== null) throw fault;
const operation = { id: 'workload', source: 'stick', by: 'workload' };
const installed = new Installed({ data, journal, operation });

const running = () => /slot=(.)/.exec(readFileSync(places.commandLine, 'utf8'))[1];
const numberIn = (slot) =>
  Number(
    /^root of system (\d+) /.exec(readFileSync(path.join(places.partitions, `root-${slot}`), 'latin1'))[1],
  );
const rights = {
  withWritable: (_, work) => work(),
  restart: async (argument) => {
    const text = readFileSync(path.join(places.config, 'autoboot.txt'), 'utf8');
    const partitions = [...text.matchAll(/boot_partition=(\d)/g)].map(([, number]) => number);
    const slot = partitions[argument === null ? 0 : 1] === '2' ? 'a' : 'b';
    writeFileSync(places.commandLine, `spikescope.slot=${slot}\n`);
  },
};
const carry = () => carryOut({ data, places, rights, shown: machine });

async function start() {
  while ((await beginSystemStart({ data, installed, places })) === 'restarts') await carry();
  if ((await carry()) === 'commit') say(`committed ${numberIn(running())}`);
  const number = numberIn(running());
  say(`runs ${number}`);
  const activation = new Activation({
    ...{ data, installed, kinds: [], goodCaptures: 2 },
    confirmed: async () => {
      say(`confirmed ${number}`);
      await request(data, 'commit');
    },
  });
  await activation.adopt('system');
  for (let capture = 0; capture < 2; capture++) await activation.captureSucceeded();
  if ((await carry()) === 'commit') say(`committed ${number}`);
}

await start();
for (let number = 1; number <= Number(count); number++) {
  const content = readFileSync(path.join(machine, `${number}.system`));
  const file = path.join(machine, 'fetched');
  copyFileSync(path.join(machine, `${number}.system`), file);
  const target = {
    ...{
      name: `stable/system-1.0.${number}.system`,
      length: content.length,
      place: [],
      keys: [],
      role: 'stable',
      custom: {},
    },
    hashes: new Map([['sha256', createHash('sha256').update(content).digest('hex')]]),
  };
  const release = {
    ...{
      schema: 'spikescope/release/1',
      kind: 'system',
      name: 'spikescope-system',
      version: `1.0.${number}`,
    },
    ...{
      compatible: { hardware: ['any'], cards: [], application: { from: '0.1.0' } },
      journal: 2,
      notes: '',
      change: '',
    },
  };
  const prove = (candidate) => proveSystem(candidate, { data, places, onStep: () => {} });
  const installer = new Installer({ data, journal, operation, prove, system: systemSlots(data, places) });
  try {
    await installer.install({ target, release, file });
  } catch (error) {
    // What was begun before the power was cut may be over now; the journal says why.
    if (!['INSTALL_OLDER', 'INSTALL_REFUSED', 'INSTALL_TRIAL_PENDING'].includes(error.code)) throw error;
  }
  await start();
}
journal.close();
