/** The process in which a model is proven: whatever becomes of it, there is a proof that says what was seen until then. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelContents } from '../../../src/model/bundle/bundle.ts';
import { bundleBytes } from '../../../src/model/bundle/write.ts';
import { type ProveModelOptions, proveModel } from '../../../src/runtime/proof/prove-model.ts';
import type { Candidate } from '../../../src/updates/install/contract.ts';
import { parseRelease, type Release } from '../../../src/updates/release.ts';
import { provableBundle, shuffledHead } from '../../support/provable.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'proof-process-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const good = provableBundle();

function candidate(contents: ModelContents, asked: Partial<Release> = {}): Candidate {
  const file = path.join(folder, `${contents.version}.spikescope`);
  writeFileSync(file, bundleBytes(contents));
  const release = parseRelease({
    ...{ schema: 'spikescope/release/1', kind: 'model', name: 'tiny', version: '1.0.0' },
    compatible: { hardware: ['any'], cards: [], application: { from: '0.1.0' } },
    ...{ journal: 2, notes: '', change: '', ...asked },
  });
  if (typeof release === 'string') throw new Error(release);
  const target = {
    name: 'stable/tiny-1.0.0.spikescope',
    length: 1,
    hashes: new Map(),
    custom: release,
    role: 'stable',
    place: ['targets'],
    keys: [],
  };
  return { target: { ...target }, release, path: file };
}

const prove = (
  contents: ModelContents,
  asked: Partial<Release> = {},
  options: Partial<ProveModelOptions> = {},
) => proveModel(candidate(contents, asked), { current: candidate(good).path, data: null, ...options });

/** Proves with another program. @param text its source, a module */
function program(name: string, text: string): string {
  const file = path.join(folder, `${name}.mjs`);
  writeFileSync(file, text);
  return file;
}

const say = (line: unknown) => `process.stdout.write(${JSON.stringify(`${JSON.stringify(line)}\n`)});`;
const item = (name: string, passed = true) => say({ item: { name, passed, measured: 0.5, required: 'r' } });
const PLAN = say({ plan: ['bundle', 'latency'] });

describe('the process that proves a model', () => {
  it('proves a good one, and tells how far it is', { timeout: 60_000 }, async () => {
    const steps: number[] = [];
    const { passed, items } = await prove(good, {}, { onStep: (done, of) => steps.push(done / of) });
    expect(items.filter((each) => !each.passed)).toEqual([]);
    expect(passed).toBe(true);
    expect(items.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['golden.cpu', 'classes', 'latency']),
    );
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
    expect(steps.at(-1)).toBe(1);
  });

  it('refuses a bad one by what its release asks, with figures', { timeout: 60_000 }, async () => {
    const bad = provableBundle(shuffledHead(good));
    const { passed, items } = await prove(bad, { proof: { balancedAccuracy: 0.7, latency: 60_000 } });
    expect(passed).toBe(false);
    const [failed, ...others] = items.filter((each) => !each.passed);
    expect(others.map(({ name }) => name).filter((name) => name !== 'triageSensitivity')).toEqual([]);
    expect(failed).toMatchObject({
      name: 'balancedAccuracy',
      required: 'at least 0.7000, as the release says',
    });
    expect(failed.measured).toBeLessThan(0.7);
  });

  it('that is killed in the middle is a failed item, after those that were seen', {
    timeout: 60_000,
  }, async () => {
    const bin = path.resolve('bin/spikescope.mjs');
    const dies = program(
      'dies',
      `const write = process.stdout.write.bind(process.stdout);
       process.stdout.write = (text, ...rest) => {
         if (String(text).includes('golden.interpreter"')&& String(text).includes('item')) process.kill(process.pid, 'SIGKILL');
         return write(text, ...rest);
       };
       await import(${JSON.stringify(bin)});`,
    );
    const { passed, items } = await prove(good, {}, { program: dies });
    expect(passed).toBe(false);
    expect(items.map(({ name }) => name)).toEqual(['bundle', 'classes', 'golden.cpu', 'run']);
    expect(items.at(-1)).toMatchObject({
      passed: false,
      required: expect.stringMatching(/ended by SIGKILL/),
    });
  });

  it.each([
    ['hangs', `${PLAN} setInterval(() => {}, 1000);`, /longer than 2 s/],
    [
      'needs more memory than it may have',
      'const a = []; for (;;) a.push([Math.random()]);',
      /ended by SIGABRT|ended with/,
    ],
    ['says nothing', '', /did not say all/],
    ['says no JSON', "process.stdout.write('all is well\\n');", /no line of a proof/],
    ['says what is no line', say({ passed: true, items: [] }), /no line of a proof/],
    ['ends before all was seen', `${PLAN} ${item('bundle')} ${say({ end: true })}`, /did not say all/],
    ['does not end it', `${PLAN} ${item('bundle')} ${item('latency')}`, /did not say all/],
    [
      'tells another item than it planned',
      `${PLAN} ${item('bundle')} ${item('learned')}`,
      /no line of a proof/,
    ],
    [
      'goes on after the end',
      `${PLAN} ${item('bundle', false)} ${say({ end: true })} ${item('latency')}`,
      /no line/,
    ],
    ['plans twice', `${PLAN} ${PLAN}`, /no line of a proof/],
    [
      'says without end',
      "const on = () => process.stdout.write('x'.repeat(1000), on); on();",
      /more than 100000 characters/,
    ],
    [
      'fails with words',
      "process.stderr.write('no such \\u001b[31maddon'); process.exitCode = 1;",
      /ended with 1: no such \\u001b\[31maddon/,
    ],
    [
      'ends as if something had failed that did not',
      `${PLAN} ${item('bundle')} ${item('latency')} ${say({ end: true })} process.exitCode = 3;`,
      /ended with 3/,
    ],
  ])('that %s is a failed item', { timeout: 60_000 }, async (name, text, reason) => {
    const options = {
      program: program(name.replaceAll(' ', '-'), text),
      deadline: name === 'hangs' ? 2_000 : 50_000,
    };
    const slow = name.startsWith('needs') ? { ...options, heap: 16 } : options;
    const { passed, items } = await prove(good, {}, slow);
    expect(passed).toBe(false);
    expect(items.at(-1)).toMatchObject({
      name: 'run',
      passed: false,
      required: expect.stringMatching(reason),
    });
  });
});
