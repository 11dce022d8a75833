/** A process of its own: loads the bundle that is named on the command line and says what that took. */
import { elementCount } from '../model/graph.ts';
import { nativeAddon } from '../native/addon.ts';
import { openModel } from '../runtime/engine/open-model.ts';
import type { Start } from './cold-start.ts';

nativeAddon();
globalThis.gc?.();
const before = process.memoryUsage().rss;
const started = performance.now();
const { bundle, engine } = await openModel(process.argv[2]);
const first = await engine.infer(new Uint8Array(elementCount(bundle.graph.input.shape)), 1);
const load = performance.now() - started;
globalThis.gc?.();
const memory = process.memoryUsage().rss - before;
if (first.potentials.length !== bundle.graph.classes.length) throw new RangeError('No potentials came');
const start: Start = { load, memory, arena: engine.arenaBytes };
process.stdout.write(JSON.stringify(start));
await engine.close();
