/** A network that was trained quantised and the integer bundle made of it: one arithmetic. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { convert } from '../../src/conversion/convert.ts';
import { prepareModel } from '../../src/conversion/prepare.ts';
import type { Architecture } from '../../src/model/architecture/architecture.ts';
import { bundleBytes } from '../../src/model/bundle/write.ts';
import { checkpointBytes } from '../../src/model/checkpoint/file.ts';
import type { Checkpoint } from '../../src/model/checkpoint/format.ts';
import { INPUT_NAME, type IntegerGraph, tensorsOf } from '../../src/model/graph.ts';
import { interpret, runNode } from '../../src/model/interpreter/interpreter.ts';
import { qanaAkd1000 } from '../../src/model/networks/qana-akd1000.ts';
import { useBackend } from '../../src/training/backend/backend.ts';
import { execute } from '../../src/training/network/execute.ts';
import { openNetwork } from '../../src/training/network/open.ts';
import type { Bits } from '../../src/training/network/plan.ts';
import { fakeQuantiser } from '../../src/training/network/quantiser.ts';
import { tensorOf } from '../../src/training/network/tensors.ts';
import { tinyQana } from '../support/architectures.ts';
import { phantomInputs } from '../support/phantoms.ts';
import { quantisedCheckpoint } from '../support/trained.ts';

beforeAll(() => useBackend('cpu'));

const EIGHT: Bits = { activations: 8, weights: 8, firstWeights: 8 };
const FOUR: Bits = { activations: 4, weights: 4, firstWeights: 8 };
const NETWORKS: [string, Architecture, Bits][] = [
  ['QANA in eight bits', tinyQana(), EIGHT],
  ['QANA without ghost modules', tinyQana({ ghost: false }), EIGHT],
  ['QANA without gates', tinyQana({ spatialAttention: false, squeezeExcite: false }), EIGHT],
  ['QANA for Akida 1.0 in four bits', qanaAkd1000({ inputSize: 16, widths: [8, 12, 16], classes: 2 }), FOUR],
];

async function converted(checkpoint: Checkpoint) {
  const bytes = checkpointBytes(checkpoint);
  const prepared = await prepareModel(bytes, 'trained.checkpoint');
  const options = {
    name: 'trained',
    version: '1.0.0',
    sourceName: 'trained.checkpoint',
    scheme: 'per-channel',
  } as const;
  return convert(prepared, bytes, null, options);
}

function inputsOf(images: readonly Uint8Array[], side: number): tf.Tensor {
  const values = Float32Array.from(Buffer.concat(images), (value) => value / 255);
  return tf.tensor(values, [images.length, side, side, 3]);
}

/** Every tensor that training's arithmetic makes of one image, in steps of the integer graph. */
function trainedTensors(checkpoint: Checkpoint, graph: IntegerGraph, image: Uint8Array) {
  const { architecture, parameters, quantisation } = checkpoint;
  if (quantisation === null) throw new TypeError('not quantised');
  const steps = new Map([[INPUT_NAME, image]]);
  tf.tidy(() => {
    const tensors = new Map(Array.from(parameters, ([name, array]) => [name, tensorOf(array)]));
    const array = (name: string) => {
      const tensor = tensors.get(name);
      if (tensor === undefined) throw new RangeError(name);
      return tensor;
    };
    const quantiser = fakeQuantiser(architecture, quantisation, (name) => tensors.get(name));
    const names = graph.nodes.map(({ name }) => name);
    const execution = { architecture, array, training: null, quantiser };
    const made = execute(execution, inputsOf([image], architecture.inputShape[0]), names);
    for (const { name, output } of graph.nodes) {
      const { scale, zeroPoint } = output.quantisation;
      const values = Array.from(made[name].dataSync(), (real) => real / scale + zeroPoint);
      // What lies between the steps would be an operator that rounds here and not there.
      expect(values.filter((value) => Math.abs(value - Math.round(value)) > 0.01)).toEqual([]);
      steps.set(name, Uint8Array.from(values, Math.round));
    }
  });
  return steps;
}

describe.each(NETWORKS)('%s', (_, architecture, bits) => {
  const side = architecture.inputShape[0];
  const images = phantomInputs(24, side);
  let checkpoint: Checkpoint;
  let graph: IntegerGraph;
  beforeAll(async () => {
    checkpoint = await quantisedCheckpoint(architecture, phantomInputs(16, side, 100), bits);
    graph = (await converted(checkpoint)).graph;
  });

  it('names the same class, and its potentials lie within a few steps', () => {
    const network = openNetwork(checkpoint);
    const logits = tf.tidy(() => Array.from(network.logits(inputsOf(images, side)).dataSync()));
    network.dispose();
    const own = images.flatMap((image) =>
      Array.from(interpret(graph, image).potentials, (potential) => potential * graph.head.scale),
    );
    const range = Math.max(...logits) - Math.min(...logits);
    const worst = Math.max(...logits.map((logit, i) => Math.abs(logit - own[i])));
    // A step in as many bits as the tensors have.
    const step = range / (2 ** bits.activations - 1);
    expect(worst).toBeLessThan(8 * step);
    const classes = graph.classes.length;
    const winner = (values: readonly number[], n: number) => {
      const one = values.slice(n * classes, (n + 1) * classes);
      return one.indexOf(Math.max(...one));
    };
    const agreeing = images.filter((_, n) => winner(logits, n) === winner(own, n));
    expect(agreeing.length).toBeGreaterThanOrEqual(images.length - 1);
  });

  it('stores at every node what training stores there, within one step and but for ties', () => {
    const specifications = tensorsOf(graph);
    let [values, differing] = [0, 0];
    for (const image of images.slice(0, 4)) {
      const trained = trainedTensors(checkpoint, graph, image);
      for (const node of graph.nodes) {
        const own = runNode(node, trained, specifications);
        const theirs = trained.get(node.name) ?? [];
        const steps = Array.from(own, (q, i) => Math.abs(q - theirs[i]));
        expect(Math.max(...steps)).toBeLessThanOrEqual(1);
        values += steps.length;
        differing += steps.filter((step) => step > 0).length;
      }
    }
    expect(differing / values).toBeLessThan(0.02);
  });

  it('gives the same bytes each time', async () => {
    expect(
      Buffer.from(bundleBytes(await converted(checkpoint))).equals(bundleBytes(await converted(checkpoint))),
    ).toBe(true);
  });
});

describe('a trained scale that fixed-point factors cannot reach', () => {
  it('is raised, and the manifest says so', async () => {
    const small = qanaAkd1000({ inputSize: 16, widths: [4, 8], classes: 2 });
    const checkpoint = await quantisedCheckpoint(small, phantomInputs(4, 16), FOUR);
    const { quantisation } = checkpoint;
    if (quantisation === null) throw new TypeError('not quantised');
    const fine = Array.from(
      quantisation.activations,
      ([tensor, settled]) =>
        [tensor, tensor.startsWith('input.') ? { ...settled, scale: settled.scale / 1e4 } : settled] as const,
    );
    const changed = { ...checkpoint, quantisation: { ...quantisation, activations: new Map(fine) } };
    const { manifest } = await converted(changed);
    const notes = manifest.layers.map(({ name, reparameterisation }) => [
      name,
      reparameterisation.some((rewrite) => rewrite.includes('scale of the training raised')),
    ]);
    expect(notes[0]).toEqual(['input.convolution', true]);
    expect(notes.slice(1).every(([, raised]) => raised === false)).toBe(true);
  });
});
