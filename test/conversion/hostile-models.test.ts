import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execaSync } from 'execa';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convertCommand } from '../../src/cli/convert/convert.ts';
import { prepareModel } from '../../src/conversion/prepare.ts';
import { RefusedError } from '../../src/errors.ts';
import { parseBundle } from '../../src/model/bundle/read.ts';
import { bundleBytes } from '../../src/model/bundle/write.ts';
import { convertOnnx, randomImages } from '../support/convert-onnx.ts';
import { lesionImage } from '../support/drawn-lesion.ts';
import { hostileModels, soundModel } from '../support/hostile-models.ts';
import { OnnxSketch } from '../support/onnx-sketch.ts';
import { altered, type ModelMessage, nodeOf } from '../support/onnx-surgery.ts';
import { type CommandRun, runCommand } from '../support/run-command.ts';

const models = await hostileModels();
const sound = await soundModel();
const images = randomImages(4, 8);
/** Before any model is read, KiB. */
const memoryBefore = process.resourceUsage().maxRSS;

async function refusalOf(attempt: Promise<unknown>): Promise<RefusedError | null> {
  try {
    await attempt;
    return null;
  } catch (error) {
    if (error instanceof RefusedError) return error;
    throw error;
  }
}

/** A network whose map of 4 channels goes through `draw`. */
async function networkOf(draw: (sketch: OnnxSketch, map: string) => string): Promise<Uint8Array> {
  const sketch = new OnnxSketch();
  return sketch.output(sketch.classify(draw(sketch, sketch.conv(sketch.image, 3, 4)), 4, 3)).encode();
}

describe('hostile models', () => {
  it('are many, and have names of their own', () => {
    expect(models.length).toBeGreaterThanOrEqual(100);
    expect(new Set(models.map(({ name }) => name)).size).toBe(models.length);
  });

  it.each(models.map((model) => [model.name, model.code, model] as const))(
    '%s: refused with %s, saying where and what to do',
    async (_, code, { bytes, says }) => {
      const refusal = await refusalOf(prepareModel(bytes, 'sketch.onnx'));
      expect(refusal?.describe()).toContain(`[${code}]`);
      for (const part of says) expect(refusal?.describe()).toContain(part);
    },
  );

  it('cost little memory: no more than 512 MiB for all of them', async () => {
    for (const { bytes } of models) await refusalOf(prepareModel(bytes, 'sketch.onnx'));
    expect(process.resourceUsage().maxRSS - memoryBefore).toBeLessThan(512 * 1024);
  });

  it('names that would command a terminal are written out, in messages and in the bundle', async () => {
    const renamed = (name: string) => (message: ModelMessage) => {
      nodeOf(message, 'Conv').name = name;
    };
    const name = 'conv\u001b[2Jcleared\nsecond line';
    const shown = 'conv\\u001b[2Jcleared\\u000asecond line';
    const faulty = await altered(await networkOf((s, map) => s.draw('GRU', [map])), (message) => {
      nodeOf(message, 'GRU').name = name;
    });
    const refusal = await refusalOf(prepareModel(faulty, 'sketch\u0007.onnx'));
    expect(refusal?.describe()).toContain(shown);
    expect(refusal?.describe()).toContain('sketch\\u0007.onnx');
    expect(refusal?.describe()).not.toMatch(/\p{Cc}/u);
    const { graph } = await convertOnnx(await altered(sound, renamed(name)), images);
    expect(graph.nodes[0].name).toBe(shown);
  });

  it('too many nodes, before any of them costs time', async () => {
    const bytes = await networkOf((s, map) => {
      let end = map;
      for (let i = 0; i < 2000; i++) end = s.draw('Relu', [end]);
      return end;
    });
    const refusal = await refusalOf(prepareModel(bytes, 'sketch.onnx'));
    expect(refusal).toMatchObject({ code: 'ONNX_TOO_LARGE', details: { received: '2004' } });
  });

  it('with any bit flipped: refused, or a bundle that its reader accepts', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(sound.length - 1), fc.nat(7), async (at, bit) => {
        const damaged = Uint8Array.from(sound);
        damaged[at] ^= 1 << bit;
        const refusal = await refusalOf(
          convertOnnx(damaged, images).then((contents) => parseBundle(bundleBytes(contents), 'sketch')),
        );
        if (refusal !== null) expect(refusal.describe()).not.toContain('undefined');
      }),
      { numRuns: 150 },
    );
  });
});

describe('numbers that only images bring to light', () => {
  const constant = (s: OnnxSketch, value: number) => s.weights([4, 4, 1, 1], new Array(16).fill(value));

  it.each<[string, string, (sketch: OnnxSketch, map: string) => string]>([
    ['weights at the end of float32', 'Conv_1', (s, map) => s.draw('Conv', [map, constant(s, 3e38)])],
    [
      'products that run away',
      'Mul_',
      (s, map) => {
        let end = s.draw('Mul', [map, s.scalar(100)]);
        for (let i = 0; i < 8; i++) end = s.draw('Mul', [end, end]);
        return end;
      },
    ],
    [
      'sums that run away',
      'Add_128',
      (s, map) => {
        let end = map;
        for (let i = 0; i < 140; i++) end = s.draw('Add', [end, end]);
        return end;
      },
    ],
    ['a division by next to nothing', 'Conv_0', (s, map) => s.draw('Div', [map, s.scalar(1e-45)])],
  ])('%s: refused with CALIBRATION_NOT_FINITE at %s', async (_, node, draw) => {
    const refusal = await refusalOf(convertOnnx(await networkOf(draw), images));
    expect(refusal?.describe()).toContain('[CALIBRATION_NOT_FINITE]');
    expect(refusal?.details.node).toContain(node);
    expect(refusal?.details.remedy).toContain('sound checkpoint');
  });

  it('a division by a map that is zero: refused, and what it divides by is to be bounded', async () => {
    const bytes = await networkOf((s, map) =>
      s.draw('Div', [map, s.draw('Relu', [s.draw('Sub', [map, s.scalar(1e6)])])]),
    );
    const refusal = await refusalOf(convertOnnx(bytes, images));
    expect(refusal?.describe()).toContain('[CALIBRATION_NOT_FINITE]');
    expect(refusal?.details.remedy).toContain('Clip');
  });

  it.each<[string, (sketch: OnnxSketch, map: string) => string]>([
    ['weights of zero', (s, map) => s.draw('Conv', [map, constant(s, 0)])],
    ['weights next to zero', (s, map) => s.draw('Conv', [map, constant(s, 1e-38)])],
    ['large weights', (s, map) => s.draw('Conv', [map, constant(s, 1e30)])],
    ['a bias that drowns the weights', (s, map) => s.draw('Add', [map, s.scalar(1e25)])],
    ['a bound of next to nothing', (s, map) => s.draw('Clip', [map, s.scalar(0), s.scalar(1e-30)])],
    ['a bound of nothing', (s, map) => s.draw('Clip', [map, s.scalar(0), s.scalar(0)])],
    ['a bound far away', (s, map) => s.draw('Clip', [map, s.scalar(1e30)])],
    ['a negative factor behind a Relu', (s, map) => s.draw('Mul', [s.draw('Relu', [map]), s.scalar(-1)])],
    [
      'summands 40 orders apart',
      (s, map) =>
        s.draw('Add', [s.draw('Mul', [map, s.scalar(1e20)]), s.draw('Mul', [map, s.scalar(1e-20)])]),
    ],
  ])('%s: converted into a bundle that its reader accepts', async (_, draw) => {
    const contents = await convertOnnx(await networkOf(draw), images);
    expect(parseBundle(bundleBytes(contents), 'sketch').graph.nodes.length).toBeGreaterThan(0);
  });
});

describe('odd names', () => {
  it.each<[string, (index: number) => string]>([
    ['none at all', () => ''],
    ['one for all', () => 'node'],
    ['names of the format', (i) => ['input', 'head', 'output', 'image'][i] ?? 'normalisation'],
    ['names of JavaScript', (i) => ['__proto__', 'constructor', 'toString'][i] ?? 'hasOwnProperty'],
    ['very long ones', (i) => `${'long'.repeat(25_000)}${i}`],
    ['signs beyond ASCII', (i) => `слой ${i} 層 🦔`],
  ])('%s: converted, every layer under a name of its own', async (_, nameOf) => {
    const bytes = await altered(sound, ({ graph }) => {
      graph.node.forEach((node, i) => {
        node.name = nameOf(i);
      });
    });
    const { graph } = parseBundle(bundleBytes(await convertOnnx(bytes, images)), 'sketch');
    const names = graph.nodes.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).not.toContain('input');
  });
});

describe('the command', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'spikescope-models-'));
  const at = (name: string) => path.join(folder, name);

  beforeAll(async () => {
    mkdirSync(at('images'));
    for (let i = 0; i < 3; i++) await lesionImage(200 + 10 * i, 180).toFile(at(`images/${i}.png`));
    writeFileSync(at('sound.onnx'), sound);
    mkdirSync(at('folder.onnx'));
    symlinkSync(at('nowhere'), at('dead-link.onnx'));
    symlinkSync(at('loop.onnx'), at('loop.onnx'));
    execaSync('mkfifo', [at('pipe.onnx')]);
    symlinkSync(at('pipe.onnx'), at('link-to-pipe.onnx'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const convert = (from: string): Promise<CommandRun> =>
    runCommand(convertCommand(), [
      '--json',
      ...['--from', from, '--calibration', at('images'), '--out', at('out.spikescope')],
    ]);

  /** Exit code 3, one fault on its way to stderr, nothing on stdout, nothing beside the inputs. */
  function expectRefusal({ exitCode, stdout, fault }: CommandRun, code: string): void {
    expect(fault?.describe()).toContain(`[${code}]`);
    expect(exitCode).toBe(3);
    expect(stdout).toBe('');
    expect(existsSync(at('out.spikescope'))).toBe(false);
    expect(readdirSync(folder).filter((name) => name.includes('out.spikescope'))).toEqual([]);
  }

  it.each([
    ['missing.onnx', 'no such file'],
    ['folder.onnx', 'a folder'],
    ['dead-link.onnx', 'no such file'],
    ['loop.onnx', 'symbolic links'],
    ['pipe.onnx', 'not a regular file'],
    ['link-to-pipe.onnx', 'not a regular file'],
    ['/dev/zero', 'not a regular file'],
    ['sound.onnx/below.onnx', 'not a directory'],
    ['null\0byte.onnx', 'null bytes'],
    [`${'long'.repeat(100)}.onnx`, 'name too long'],
  ])('refuses %j as unreadable: %s', async (name, reason) => {
    const run = await convert(path.isAbsolute(name) ? name : at(name));
    expectRefusal(run, 'ONNX_UNREADABLE');
    expect(run.fault?.details).toMatchObject({
      received: expect.stringContaining(reason),
      remedy: expect.stringContaining('--from'),
    });
  });

  it.each([0, 0.25, 0.5, 0.75])('refuses a model of which only %d is there', async (share) => {
    writeFileSync(at('cut.onnx'), sound.subarray(0, Math.floor(sound.length * share)));
    expectRefusal(await convert(at('cut.onnx')), share === 0 ? 'ONNX_EMPTY' : 'ONNX_NOT_PROTOBUF');
  });

  it.each([
    'LayerNormalization',
    'a weight of NaN',
    'several faults at once',
    'a subgraph',
    'numbers that run away',
  ])('refuses %s, naming file, node and remedy', async (name) => {
    const model = models.find((candidate) => candidate.name === name) ?? {
      bytes: await networkOf((s, map) => s.draw('Div', [map, s.scalar(1e-45)])),
      code: 'CALIBRATION_NOT_FINITE',
      says: ['Conv_0', 'sound checkpoint'],
    };
    writeFileSync(at('hostile.onnx'), model.bytes);
    const run = await convert(at('hostile.onnx'));
    expectRefusal(run, model.code);
    for (const part of model.says) expect(run.fault?.describe()).toContain(part);
  });

  it('leaves an existing bundle alone when it refuses', async () => {
    const sure = await convert(at('sound.onnx'));
    expect(sure).toMatchObject({ exitCode: 0, fault: null });
    const before = readdirSync(folder);
    writeFileSync(at('hostile.onnx'), models[0].bytes);
    expect(await convert(at('hostile.onnx'))).toMatchObject({ exitCode: 3, stdout: '' });
    expect(readdirSync(folder)).toEqual([...new Set([...before, 'hostile.onnx'])].sort());
    rmSync(at('out.spikescope'));
  });
});
