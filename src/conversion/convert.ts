/**
 * Float model and calibration images, or the scales of a training → everything that a bundle holds. Same input, same
 * contents.
 */
import { createHash } from 'node:crypto';
import { UsageError } from '../errors.ts';
import type { GoldenCase, ModelContents } from '../model/bundle/bundle.ts';
import type { ModelCard } from '../model/bundle/card.ts';
import { knownClassTable } from '../model/bundle/class-table.ts';
import type { ClassTableSection } from '../model/bundle/class-table-section.ts';
import type { IntegerGraph } from '../model/graph.ts';
import { openActivations } from './calibration/activations.ts';
import type { Activations } from './calibration/contract.ts';
import type { CalibrationSet } from './calibration/images.ts';
import { chooseQuantisations, collectHistograms } from './calibration/quantisations.ts';
import { collectStatistics } from './calibration/statistics.ts';
import { classNames, DEFAULT_CARD, defaultPreprocessing, defaultReadout } from './defaults.ts';
import type { FloatGraph } from './float/graph.ts';
import { goldenCases } from './golden.ts';
import { type LoweringContext, lower } from './lower/lower.ts';
import { manifestOf } from './manifest.ts';
import type { PreparedModel } from './prepare.ts';
import type { WeightScheme } from './quantise/layer.ts';
import { EIGHT_BITS, type Precision } from './quantise/precision.ts';
import { withRepresentableFactors } from './quantise/scales.ts';
import type { PlacedQuantisation } from './quantise/stated.ts';
import { trainedContext } from './quantise/trained.ts';
import { exactOn, type Target } from './targets/check.ts';

export interface ConversionOptions {
  readonly name: string;
  readonly version: string;
  /** File name of the float model, for the manifest. */
  readonly sourceName: string;
  readonly scheme: WeightScheme;
  /** Default: `cpu`. Another one may have the graph's factors tuned to its arithmetic. */
  readonly target?: Target;
  /** Default: eight bits. */
  readonly precision?: Precision;
  readonly classes?: readonly string[];
  readonly card?: ModelCard;
  /** What the bundle says of its classes. Default: what is known of those with names of HAM10000's. */
  readonly classTable?: ClassTableSection;
  /** Golden inputs and their potentials. Default: the interpreter computes all of them. */
  readonly golden?: (graph: IntegerGraph) => Promise<readonly GoldenCase[]>;
  /** Called once per image and pass, `PASSES` times the number of images in all. */
  readonly advance?: () => void;
  /** Of the prepared model's folded graph; the caller closes them. Default: opened and closed here. */
  readonly activations?: Activations;
  /** Is told who computes the calibration where that is not the own evaluator, or where it had better be another. */
  readonly tell?: (text: string) => void;
}

/** How often every calibration image goes through the float graph. */
export const PASSES = 2;

/**
 * `calibration` may be null where training settled every scale.
 * @throws UsageError `CLASSES`, `CALIBRATION`
 * @throws RefusedError `AKIDA_REQUANTISATION` where the target cannot compute a channel exactly
 */
export async function convert(
  prepared: PreparedModel,
  contents: Uint8Array,
  calibration: CalibrationSet | null,
  options: ConversionOptions,
): Promise<ModelContents> {
  const { imported, nodesNeedingDequantisation } = prepared;
  const { context, graph } = await convertGraph(prepared, calibration, options);
  const classTable = options.classTable ?? knownClassTable(graph.classes);
  const areAssumed = options.classes === undefined && imported.classes === null;
  return {
    name: options.name,
    version: options.version,
    graph,
    preprocessing: defaultPreprocessing(graph.input.shape),
    readout: defaultReadout(graph),
    golden: options.golden === undefined ? goldenCases(graph) : await options.golden(graph),
    manifest: manifestOf(graph, context.graph, {
      target: options.target ?? 'cpu',
      source: {
        name: options.sourceName,
        sha256: createHash('sha256').update(contents).digest('hex'),
        format: imported.format,
        opset: imported.opset,
      },
      weightQuantisation: context.scheme,
      calibration: {
        images: calibration?.images.length ?? 0,
        sha256: calibration?.sha256 ?? createHash('sha256').digest('hex'),
      },
      floatNodes: imported.floatNodes,
      nodesNeedingDequantisation,
    }),
    card: options.card ?? DEFAULT_CARD,
    ...(classTable && { classTable }),
    ...(areAssumed && { assumedClasses: true }),
  };
}

export interface ConvertedGraph {
  readonly graph: IntegerGraph;
  /** What was lowered, with the scales that were chosen. */
  readonly context: LoweringContext;
}

/**
 * The integer graph alone.
 * @throws UsageError as `convert`
 */
export async function convertGraph(
  { imported, folded, stated }: PreparedModel,
  calibration: CalibrationSet | null,
  options: Omit<ConversionOptions, 'name' | 'version' | 'sourceName' | 'classTable'>,
): Promise<ConvertedGraph> {
  const classes = classNames(options.classes ?? imported.classes ?? undefined, folded.outputOrder.length);
  const { quantisation: trained } = imported;
  const context =
    trained === null
      ? await calibratedContext(folded, calibration, options, stated)
      : trainedContext(folded, trained, { isComplete: imported.format === 'checkpoint' });
  return { graph: exactOn(options.target ?? 'cpu', lower(context, classes)), context };
}

type CalibrationOptions = Pick<
  ConversionOptions,
  'scheme' | 'precision' | 'advance' | 'activations' | 'tell'
>;

async function calibratedContext(
  folded: FloatGraph,
  calibration: CalibrationSet | null,
  { scheme, precision, advance, tell, activations: given }: CalibrationOptions,
  stated: PlacedQuantisation | null,
): Promise<LoweringContext> {
  if (calibration === null) {
    throw new UsageError('CALIBRATION', 'The scales of this network are not known', {
      field: '--calibration',
      expected: 'images to calibrate on, or a checkpoint that was trained quantised',
    });
  }
  const { images } = calibration;
  const activations = given ?? (await openActivations(folded, images[0], PASSES * images.length, tell));
  const closing = given === undefined ? activations : null;
  const { statistics, histograms } = await observed(folded, images, activations, advance).finally(() =>
    closing?.close(),
  );
  const calibrated = chooseQuantisations(folded, histograms, precision);
  const kept = keepsSteps(scheme, precision) ? stated : null;
  const chosen = new Map([...calibrated, ...(kept?.activations ?? [])]);
  const rules = { scheme, ...(precision && { precision }), ...(kept && { trained: kept.weights }) };
  const quantisations = withRepresentableFactors(folded, chosen, scheme, rules);
  return { graph: folded, quantisations, statistics, ...rules };
}

/** Whether the choices of the caller leave room for those of the file. */
function keepsSteps(scheme: WeightScheme, { weights, activations }: Precision = EIGHT_BITS): boolean {
  return scheme === 'per-channel' && weights === 8 && activations === 8;
}

/** Both looks at every tensor: extremes and means, then how values spread between. */
async function observed(
  folded: FloatGraph,
  images: readonly Uint8Array[],
  activations: Activations,
  advance?: () => void,
) {
  const statistics = await collectStatistics(folded, images, advance, activations);
  return {
    statistics,
    histograms: await collectHistograms(folded, statistics, images, advance, activations),
  };
}
