/** Float model and calibration images → everything that a bundle holds. Same input, same contents. */
import { createHash } from 'node:crypto';
import type { ModelContents } from '../model/bundle/bundle.ts';
import type { ModelCard } from '../model/bundle/contract.ts';
import { chooseQuantisations, collectHistograms } from './calibration/calibrate.ts';
import type { CalibrationSet } from './calibration/images.ts';
import { collectStatistics } from './calibration/statistics.ts';
import { classNames, DEFAULT_CARD, defaultPreprocessing, defaultReadout } from './defaults.ts';
import { goldenCases } from './golden.ts';
import { lower } from './lower/lower.ts';
import { manifestOf } from './manifest.ts';
import type { PreparedModel } from './prepare.ts';
import type { WeightScheme } from './quantise/layer.ts';
import { withRepresentableFactors } from './quantise/scales.ts';

export interface ConversionOptions {
  readonly name: string;
  readonly version: string;
  /** File name of the float model, for the manifest. */
  readonly sourceName: string;
  readonly scheme: WeightScheme;
  readonly classes?: readonly string[];
  readonly card?: ModelCard;
  /** Called once per image and pass, `PASSES` times the number of images in all. */
  readonly advance?: () => void;
}

/** How often every calibration image goes through the float graph. */
export const PASSES = 2;

/** @throws UsageError `CLASSES` */
export async function convert(
  prepared: PreparedModel,
  contents: Uint8Array,
  calibration: CalibrationSet,
  options: ConversionOptions,
): Promise<ModelContents> {
  const { imported, folded, nodesNeedingDequantisation } = prepared;
  const classes = classNames(options.classes ?? imported.classes ?? undefined, folded.outputOrder.length);
  const { scheme, advance } = options;
  const statistics = await collectStatistics(folded, calibration.images, advance);
  const histograms = await collectHistograms(folded, statistics, calibration.images, advance);
  const quantisations = withRepresentableFactors(folded, chooseQuantisations(folded, histograms), scheme);
  const graph = lower({ graph: folded, quantisations, statistics, scheme }, classes);
  return {
    name: options.name,
    version: options.version,
    graph,
    preprocessing: defaultPreprocessing(graph.input.shape),
    readout: defaultReadout(graph),
    golden: goldenCases(graph),
    manifest: manifestOf(graph, folded, {
      source: {
        name: options.sourceName,
        sha256: createHash('sha256').update(contents).digest('hex'),
        format: imported.format,
        opset: imported.opset,
      },
      weightQuantisation: scheme,
      calibration: { images: calibration.images.length, sha256: calibration.sha256 },
      floatNodes: imported.floatNodes,
      nodesNeedingDequantisation,
    }),
    card: options.card ?? DEFAULT_CARD,
  };
}
