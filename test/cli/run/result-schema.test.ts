import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../../src/cli/run/run.ts';
import { writeBundle } from '../../../src/model/bundle/write.ts';
import { openDeviceJournal } from '../../../src/store/device-journal.ts';
import { resultUpTo } from '../../../src/telehealth/older-result.ts';
import { resultSchema1, resultSchema2 } from '../../../src/telehealth/result.ts';
import { runCommand as runInProcess } from '../../support/run-command.ts';
import { tinyModel, tinyTable, tinyTriage } from '../../support/tiny-model.ts';

let folder: string;
let model: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'result-schema-'));
  model = path.join(folder, 'triaging.spikescope');
  await writeBundle(model, { ...tinyModel(), classTable: tinyTable(), triage: tinyTriage(0) });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Two captures with a data folder of their own: the lines of stdout, and what the journal has. */
async function captured(name: string, ...args: string[]) {
  const data = path.join(folder, name);
  const run = await runInProcess(runCommand(), ['--data', data, '--model', model, '--count', '2', ...args]);
  expect(run).toMatchObject({ exitCode: 0, fault: null });
  const { journal } = openDeviceJournal(data, { channels: ['result'], lane: 'embedded' });
  const recorded = [...journal.entries()].map(({ payload }) => payload);
  journal.close();
  return { lines: run.stdout.trim().split('\n'), stdout: run.stdout, recorded };
}

describe('run --result-schema', () => {
  it('1 sends results that receivers of the first version read strictly, and records all of them', async () => {
    const { lines, recorded } = await captured('first', '--json', '--result-schema', '1');
    for (const line of lines) expect(resultSchema1.safeParse(JSON.parse(line)).success).toBe(true);
    for (const payload of recorded) expect(JSON.parse(payload)).toMatchObject({ triage: 'refer' });
    expect(lines).toEqual(recorded.map((payload) => resultUpTo(1, payload)));
  });

  it('1 still tells the clinician at the device what to do', async () => {
    const { stdout } = await captured('shown', '--result-schema', '1');
    expect(stdout.match(/refer to be seen by a specialist/g)).toHaveLength(2);
  });

  it('is 2 unless told: the journal’s bytes, with what to do', async () => {
    const { lines, recorded } = await captured('second', '--json');
    for (const line of lines) expect(resultSchema2.safeParse(JSON.parse(line)).success).toBe(true);
    expect(lines).toEqual(recorded);
  });

  it('is refused where it is no version', async () => {
    for (const word of ['4', '0', 'newest']) {
      const { fault } = await runInProcess(runCommand(), ['--data', folder, '--result-schema', word]);
      expect(fault).toMatchObject({ code: 'OPTION_VALUE', exitCode: 2 });
    }
  });
});
