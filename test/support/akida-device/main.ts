/**
 * A card that is played, as a process of its own: `main.js SOCKET BUNDLE akd1000|akd1500`. Its parent is told when it
 * listens, sets faults, and asks what it saw; see `messages.ts`.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { imageShapeOf } from '../../../src/conversion/akida1/layers.ts';
import { programOf } from '../../../src/conversion/akida1/program.ts';
import { AKIDA1_DEVICES } from '../../../src/model/bundle/akida-programs-section.ts';
import { readBundle } from '../../../src/model/bundle/read.ts';
import { PlayedChip } from './chip.ts';
import { CardComputer } from './compute.ts';
import { type Answer, questionSchema, type TracedAccess } from './messages.ts';
import { type Access, serve } from './serve.ts';

const [, , socket, bundleFile, chip] = process.argv;
const { graph, manifest } = await readBundle(bundleFile);
const computer = new CardComputer(graph, manifest.akida1 ?? programOf(graph));
const [rows, columns, channels] = imageShapeOf(graph, graph.head.input);
let problem: string | null = null;
const device = z.enum(AKIDA1_DEVICES).parse(chip);
const card = new PlayedChip(device, { rows, columns, channels }, async (image, blocks) => {
  try {
    const embedding = await computer.embedding(image, blocks);
    problem = null;
    return embedding;
  } catch (error) {
    problem = String(error);
    return new Uint8Array(rows * columns * channels);
  }
});
let trace: TracedAccess[] | null = null;
const server = await serve({ path: socket, card, onAccess: (access) => trace?.push(traced(access)) });

/** Longer contents by their digest. */
const LONGEST = 64;

function traced({ op, address, bytes }: Access): TracedAccess {
  const contents =
    bytes.length <= LONGEST
      ? { hex: bytes.toString('hex') }
      : { sha256: createHash('sha256').update(bytes).digest('hex') };
  return { op, addr: `0x${address.toString(16).padStart(8, '0')}`, len: bytes.length, ...contents };
}

function say(answer: Answer): void {
  process.send?.(answer);
}

process.on('message', (message) => {
  const question = questionSchema.parse(message);
  if (question.ask === 'fault') card.fault = question.fault;
  if (question.ask === 'trace') {
    const accesses = trace ?? [];
    trace = [];
    say({ tell: 'trace', accesses });
    return;
  }
  say({ tell: 'state', images: card.images, readBack: computer.readBack, problem });
});
process.on('disconnect', () => {
  server.close();
  process.exit();
});
say({ tell: 'state', images: 0, readBack: null, problem: null });
