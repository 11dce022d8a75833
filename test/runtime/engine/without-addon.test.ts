/** A machine on which the native addon is not built, or does not load: the real program, in processes of its own. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeBundle } from '../../../src/model/bundle/write.ts';
import { compiled } from '../../support/compiled.ts';
import { lesionImage } from '../../support/drawn-lesion.ts';
import { tinyModel } from '../../support/tiny-model.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'spikescope-without-addon-'));
const model = path.join(folder, 'tiny.spikescope');
const image = path.join(folder, 'lesion.png');
const damaged = path.join(folder, 'damaged.node');
const MISSING = path.join(folder, 'none.node');
const CAMERA_RUN = ['run', '--source', 'phantom', '--count', '1', '--broker-port', '0', '--json'];

beforeAll(async () => {
  compiled('cli/main.js');
  await writeBundle(model, tinyModel());
  writeFileSync(image, await lesionImage().png().toBuffer());
  writeFileSync(damaged, 'not a shared library');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface ProgramRun {
  readonly status: number | null;
  readonly lines: Record<string, unknown>[];
  readonly remarks: string[];
}

/** Runs the program with an addon of its own, or with the usual one. */
async function program(args: readonly string[], addon?: string): Promise<ProgramRun> {
  const { SPIKESCOPE_ADDON: _, ...environment } = process.env;
  const script = fileURLToPath(new URL('../../../bin/spikescope.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, ...args], {
    env: { ...environment, ...(addon !== undefined && { SPIKESCOPE_ADDON: addon }) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk;
  });
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return {
    status,
    lines: output.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line)),
    remarks: output.stderr.split('\n').filter((line) => line.includes('the backend interpreter serves')),
  };
}

const classify = (addon?: string) => program(['classify', '--json', '--model', model, image], addon);

describe('without a native addon that fits the machine', () => {
  it.each([
    ['is not built', MISSING],
    ['does not load', damaged],
  ])(
    '(it %s) an image is read by the interpreter, as the engine reads it',
    async (words, addon) => {
      const [{ lines }, without] = await Promise.all([classify(), classify(addon)]);
      const [expected] = lines;
      expect(expected.backend).toBe('cpu');
      expect(without.status).toBe(0);
      expect(without.lines).toEqual([
        { ...expected, backend: 'interpreter', timings: without.lines[0].timings },
      ]);
      expect(without.remarks).toHaveLength(1);
      expect(without.remarks[0]).toContain(words);
      expect(without.remarks[0]).toContain(addon);
      expect(without.remarks[0]).toContain('npm run build');
    },
    60_000,
  );

  it('the appliance publishes a result that says so', async () => {
    const data = path.join(folder, 'data');
    const { status, lines, remarks } = await program(
      [...CAMERA_RUN, '--model', model, '--data', data],
      MISSING,
    );
    expect(status).toBe(0);
    expect(lines).toMatchObject([{ backend: 'interpreter' }]);
    expect(remarks).toHaveLength(1);
  }, 60_000);

  it('a bench is refused, having nothing to measure', async () => {
    const { status, lines, remarks } = await program(['bench', '--json', '--model', model], MISSING);
    expect([status, lines, remarks]).toEqual([1, [], []]);
  }, 60_000);
});
