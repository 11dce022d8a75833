/**
 * Fuzz of the bundle loader, down to the engine that is made of what it accepts. Starts from the corpus, keeps what gives
 * new answers.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SpikescopeError } from '../../src/errors.ts';
import type { ModelBundle } from '../../src/model/bundle/bundle.ts';
import { multiplyAddsOf } from '../../src/model/cost.ts';
import { elementCount, type IntegerGraph } from '../../src/model/graph.ts';
import { interpret } from '../../src/model/interpreter/interpreter.ts';
import { fromNative, nativeAddon } from '../../src/native/addon.ts';
import { mutated } from '../support/bundle-mutations.ts';
import { instructionSetsOf } from '../support/differential.ts';
import { Random } from '../support/random.ts';
import { wholeBundle } from '../support/whole-bundle.ts';

const CORPUS = 'test/corpus/bundles';
const SHIPPED = 'models/qana64.spikescope';
/** Most bundles to mutate; the oldest finds make room. */
const KEPT = 600;
/** A find larger than this slows the rest down. */
const KEPT_BYTES = 64 * 1024;
/**
 * Costs above which what was accepted is not run, in operations and in elements: the bounds of a graph allow minutes of
 * work.
 */
const RUN_LIMIT = 3e6;
const LOAD_LIMIT = 2 ** 24;
const ACCEPTED = 'accepted:';

/** Mutates bundles of the corpus, and mutations that gave an answer which none before had given. */
export class BundleFuzz {
  readonly #corpus: Uint8Array[];
  readonly #originals: number;
  readonly #answers = new Set<string>();
  #accepted = 0;
  /** Where the case at hand is written, so that it is there when a sanitizer ends the process. */
  readonly #traceFile: string | undefined;

  constructor(traceFile?: string) {
    const names = readdirSync(CORPUS).filter((name) => name.endsWith('.spikescope'));
    if (names.length === 0) throw new Error(`no bundle in ${CORPUS}`);
    const files = names.sort().map((name) => path.join(CORPUS, name));
    this.#corpus = [...files, ...(existsSync(SHIPPED) ? [SHIPPED] : [])].map((file) => readFileSync(file));
    this.#originals = this.#corpus.length;
    this.#traceFile = traceFile;
  }

  reached(): string {
    return `${this.#accepted} accepted, ${this.#answers.size} different answers`;
  }

  /** One mutation. @returns what is wrong with the loader's answer, or null */
  async run(seed: number): Promise<string | null> {
    const random = new Random(seed);
    // Mostly small ones: the shipped bundle is the last of the originals and takes a hundred times as long.
    const at = random.chance(0.02) ? this.#originals - 1 : random.integer(0, this.#corpus.length - 1);
    const bytes = mutated(this.#corpus[at], random.pick(this.#corpus), random);
    if (this.#traceFile !== undefined) writeFileSync(this.#traceFile, bytes);
    const answer = await answerTo(bytes, seed);
    if (answer.wrong !== undefined) return answer.wrong;
    if (answer.name.startsWith(ACCEPTED)) this.#accepted++;
    if (!this.#answers.has(answer.name)) {
      this.#answers.add(answer.name);
      if (bytes.length <= KEPT_BYTES) this.#corpus.push(bytes);
      if (this.#corpus.length > KEPT) this.#corpus.splice(this.#originals, 1);
    }
    return null;
  }
}

interface Answer {
  readonly name: string;
  readonly wrong?: string;
}

async function answerTo(bytes: Uint8Array, seed: number): Promise<Answer> {
  let bundle: ModelBundle;
  try {
    bundle = wholeBundle(bytes, 'fuzzed.spikescope');
  } catch (error) {
    if (!(error instanceof SpikescopeError)) return { name: '', wrong: `no fault of the project: ${error}` };
    const { code, exitCode, details } = error;
    if (!/^(BUNDLE|GRAPH)_/.test(code) || exitCode !== 3) return { name: '', wrong: `refused as ${code}` };
    if (error.describe().length > 4000) return { name: '', wrong: `${code} says too much` };
    return { name: `${code} ${details.field ?? ''} ${(details.expected ?? '').replace(/\d+/g, 'n')}` };
  }
  return runAccepted(bundle.graph, seed);
}

/** An accepted graph: every instruction set takes it, or none, and all compute what the interpreter computes. */
async function runAccepted(graph: IntegerGraph, seed: number): Promise<Answer> {
  const elements = graph.nodes.reduce((sum, { output }) => sum + elementCount(output.shape), 0);
  if (elements > LOAD_LIMIT) return { name: 'too large to load here' };
  const work =
    graph.nodes.reduce((sum, node) => sum + multiplyAddsOf(node), elements) + graph.head.weights.length;
  const windows = graph.nodes.reduce(
    (sum, node) =>
      sum + ('kernel' in node ? node.kernel[0] * node.kernel[1] * elementCount(node.output.shape) : 0),
    0,
  );
  const isRun = work + windows <= RUN_LIMIT;
  const input = new Random(seed).bytes(elementCount(graph.input.shape));
  const expected = isRun ? interpret(graph, input) : null;
  const addon = nativeAddon();
  for (const instructionSet of instructionSetsOf(addon)) {
    try {
      const engine = addon.createEngine(graph, { instructionSet });
      if (expected !== null) {
        const { potentials, embeddings } = await engine.infer(input);
        const isRight =
          expected.potentials.every((potential, c) => potential === potentials[c]) &&
          Buffer.from(embeddings).equals(expected.embedding);
        if (!isRight) return { name: '', wrong: `${instructionSet} differs from the interpreter` };
      }
      await engine.close();
    } catch (error) {
      const fault = fromNative(error);
      const code = fault instanceof SpikescopeError ? fault.code : String(error);
      return { name: '', wrong: `the loader accepts what ${instructionSet} refuses: ${code}` };
    }
  }
  return { name: `${ACCEPTED} ${graph.nodes.map(({ op }) => op).join(' ')}` };
}
