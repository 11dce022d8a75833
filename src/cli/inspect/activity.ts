/** `inspect --activity`: the bundle as spiking neurons on images. The workstation's work, loaded on demand. */
import { RefusedError, SpikescopeError } from '../../errors.ts';
import { estimateEnergy } from '../../evaluation/energy/estimate.ts';
import { energyOfInference } from '../../evaluation/energy/of-inference.ts';
import { activityPage } from '../../evaluation/report/activity-report.ts';
import type { ActivityDocument } from '../../evaluation/spiking/document.ts';
import { inputReader, type SimulatedImage } from '../../evaluation/spiking/inputs.ts';
import { measureActivity } from '../../evaluation/spiking/measure-activity.ts';
import { identityOf, type ModelBundle } from '../../model/bundle/bundle.ts';
import type { LayerActivity } from '../../model/spiking/activity.ts';
import { FULL_SCALE } from '../../model/spiking/code.ts';
import { nodesWithoutSpikes } from '../../model/spiking/monotone.ts';
import { writePage } from '../../report/page.ts';
import type { Engine } from '../../runtime/engine/contract.ts';
import { note, startProgress } from '../../ui/terminal/console.ts';
import { reportFile, requireWritable } from '../shared/output.ts';
import { type ImageChoice, itemsOf } from './activity-images.ts';

export interface ActivityOptions extends ImageChoice {
  readonly windows: readonly number[];
  /** False for no report. */
  readonly html?: string | false | undefined;
}

/**
 * Simulates the images and, unless told otherwise, writes the report.
 * @throws UsageError `WINDOW`, and as `itemsOf`; RefusedError `NOT_SPIKING`, `ACTIVITY_EMPTY`
 */
export async function inspectActivity(
  bundle: ModelBundle,
  engine: Engine,
  options: ActivityOptions,
): Promise<ActivityDocument> {
  requireSpiking(bundle);
  if (options.html) requireWritable(options.html, '--html');
  const { items, source } = await itemsOf(bundle.graph.classes, options);
  const windows = new Set([...options.windows, FULL_SCALE]);
  const progress = startProgress('activity', items.length * windows.size);
  const unreadable: string[] = [];
  let sample: Uint8Array | undefined;
  const read = inputReader(bundle, engine);
  async function* inputs(): AsyncGenerator<SimulatedImage> {
    for (const { image, label } of items) {
      try {
        sample = await read(image);
      } catch (error) {
        if (!(error instanceof SpikescopeError) || !error.code.startsWith('IMAGE_')) throw error;
        unreadable.push(error.describe());
        continue;
      }
      yield { input: sample, label };
    }
  }
  try {
    const measured = await measureActivity(bundle.graph, engine, inputs(), options.windows, () =>
      progress.advance(),
    );
    if (sample === undefined) {
      throw new RefusedError('ACTIVITY_EMPTY', 'Not one of the images could be read', {
        received: unreadable[0] ?? 'no image',
      });
    }
    for (const description of unreadable) note(description);
    const energy = await energyOf(engine, sample, measured.layers);
    const document = { source, unreadable: unreadable.length, ...measured, energy };
    await report(bundle, document, options.html);
    return document;
  } finally {
    progress.stop();
  }
}

function requireSpiking({ graph }: ModelBundle): void {
  const nodes = nodesWithoutSpikes(graph);
  if (nodes.length === 0) return;
  throw new RefusedError('NOT_SPIKING', 'This network is not a spiking one', {
    node: nodes.slice(0, 8).join(', '),
    expected: 'activations that rise, or fall, throughout',
    received: `${nodes.length} tables that do neither`,
    remedy: 'train with ReLU, ReLU6, sigmoid or another monotone activation; the network runs as it is',
  });
}

async function energyOf(
  engine: Engine,
  input: Uint8Array,
  layers: readonly LayerActivity[],
): Promise<ActivityDocument['energy']> {
  const total = (figure: 'synapses' | 'activeSynapses' | 'synapticOperations') =>
    layers.reduce((sum, layer) => sum + layer[figure], 0);
  return {
    ...(await energyOfInference(engine, input)),
    estimate: estimateEnergy({
      synapses: total('synapses'),
      activeSynapses: total('activeSynapses'),
      synapticOperations: total('synapticOperations'),
    }),
  };
}

/** A report that nobody asked for by name is left out, with a note, where the packages that draw are absent. */
async function report(
  bundle: ModelBundle,
  document: ActivityDocument,
  wanted: string | false | undefined,
): Promise<void> {
  try {
    const file = reportFile(wanted, 'reports/activity.html');
    if (file === null) return;
    await writePage(file, await activityPage(identityOf(bundle), document, new Date().toISOString()));
    note(`Report: ${file}`);
  } catch (error) {
    if (wanted !== undefined || !(error instanceof SpikescopeError)) throw error;
    note(`No report: ${error.describe()}`);
  }
}
