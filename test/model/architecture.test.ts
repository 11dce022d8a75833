import { describe, expect, it } from 'vitest';
import { type Architecture, embeddingOf } from '../../src/model/architecture/architecture.ts';
import { parameterCount, parametersOf, statisticsOf } from '../../src/model/architecture/parameters.ts';
import { multiplyAdds, shapesOf } from '../../src/model/architecture/shapes.ts';
import { qana } from '../../src/model/networks/qana.ts';
import { qanaAkd1000 } from '../../src/model/networks/qana-akd1000.ts';

describe('QANA', () => {
  it('has the 288,039 parameters and 35.44 M multiply-adds of the authors’ model', () => {
    expect(parameterCount(qana())).toBe(288_039);
    expect(multiplyAdds(qana())).toBe(35_438_592);
  });

  it('ends in a 4×4×256 map that is the embedding of 4096 values', () => {
    const shapes = shapesOf(qana());
    expect(shapes.get('block4.pool')).toEqual([4, 4, 256]);
    expect(shapes.get(embeddingOf(qana()) ?? '')).toEqual([1, 1, 4096]);
    expect(shapes.get('head.logits')).toEqual([1, 1, 7]);
  });

  it.each([
    [{ ghost: false }, 'ghost', 'convolution'],
    [{ spatialAttention: false }, 'attention', 'sum'],
    [{ squeezeExcite: false }, 'gated', 'spikes'],
  ])('can do without a part: %o', (options, absent, present) => {
    const names = qana(options).layers.map(({ name }) => name.split('.').slice(1).join('.'));
    expect(names).not.toContain(absent);
    expect(names).toContain(present);
    shapesOf(qana(options));
  });

  it('takes other sizes, widths and classes', () => {
    const small = qana({ inputSize: 16, widths: [4, 32], classes: 2 });
    expect(shapesOf(small).get(small.output)).toEqual([1, 1, 2]);
    expect(shapesOf(small).get('transform.spikes')).toEqual([4, 4, 32]);
  });
});

describe('QANA for Akida 1.0', () => {
  it('has only layers that the chip has', () => {
    const operators = new Set(qanaAkd1000().layers.map(({ op }) => op));
    expect([...operators].sort()).toEqual([
      'batchNorm',
      'convolution',
      'dense',
      'flatten',
      'maxPool',
      'relu',
    ]);
    expect(shapesOf(qanaAkd1000()).get('head.embedding')).toEqual([1, 1, 1024]);
  });
});

describe('an architecture', () => {
  it('names its arrays after their layers, each once', () => {
    const names = [...parametersOf(qana()), ...statisticsOf(qana())].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(parametersOf(qana())[0]).toEqual({
      name: 'block1.ghost.primary/weights',
      layer: 'block1.ghost.primary',
      role: 'weights',
      shape: [1, 1, 3, 16],
    });
  });

  const broken: [string, Partial<Architecture>][] = [
    ['reads what is not there', { layers: [{ op: 'sigmoid', name: 'a', input: 'b' }] }],
    ['repeats a name', { layers: [{ op: 'sigmoid', name: 'input', input: 'input' }] }],
    ['has no such output', { layers: [], output: 'nothing' }],
    [
      'adds unlike shapes',
      {
        layers: [
          { op: 'flatten', name: 'f', input: 'input' },
          { op: 'add', name: 's', inputs: ['f', 'input'] },
        ],
      },
    ],
    ['pools more than there is', { layers: [{ op: 'maxPool', name: 'p', input: 'input', size: 9 }] }],
  ];
  it.each(broken)('is refused where a layer %s', (_, change) => {
    const architecture: Architecture = {
      name: 'x',
      inputShape: [8, 8, 3],
      layers: [],
      output: 'input',
      ...change,
    };
    expect(() => shapesOf(architecture)).toThrow(expect.objectContaining({ code: 'ARCHITECTURE' }));
  });
});
