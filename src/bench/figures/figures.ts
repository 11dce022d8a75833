/** The figures of a bundle, each measured here and now or named as not measured. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { listImages } from '../../capture/images.ts';
import { type Dataset, loadDataset, type Sample, samplesOf } from '../../dataset/dataset.ts';
import { fitAlpha } from '../../evaluation/calibration/alpha.ts';
import { readViews } from '../../evaluation/calibration/views.ts';
import type { EvaluationDocument } from '../../evaluation/document.ts';
import { evaluate } from '../../evaluation/evaluate.ts';
import { type FloatModel, openFloatModel } from '../../evaluation/float-model.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import type { Engine } from '../../runtime/engine/contract.ts';
import type { Split } from '../../splits.ts';
import { FLOAT_PEER, INTEGER_PEER, onnxruntimePeers, timeGraph } from '../graph.ts';
import { imagesOf, timeStages } from '../stages.ts';
import { type Figure, notMeasured, SUBJECTS, type Subject } from './figure.ts';
import { maskRetention } from './mask-retention.ts';
import { triageFigures } from './triage.ts';

export interface FigurePlaces {
  /** HAM10000 with split_lesion.csv and masks/. */
  readonly dataset: string;
  /** Folder of images as a camera delivers them. */
  readonly fullSize: string;
  readonly float: string;
}

interface Setting {
  readonly crop: boolean;
  readonly tiling: boolean;
}

/**
 * Measures everything that the data lying here allow. Data that is absent leaves its figures unmeasured; a fault in
 * data that is there is thrown.
 * @param say called with the name of each stage as it begins
 */
export async function measureFigures(
  bundle: ModelBundle,
  engine: Engine,
  places: FigurePlaces,
  say: (stage: string) => void = () => {},
): Promise<Figure[]> {
  say('latency');
  const latency = await latencyFigures(bundle, places);
  say('stages of classification');
  const stages = await stageFigures(bundle, engine, places);
  const accuracy = existsSync(places.dataset)
    ? await accuracyFigures(bundle, engine, places, say)
    : [
        notMeasured(
          'accuracy',
          'Accuracy, crop, calibration, tiling',
          'share',
          `no data set at ${places.dataset}`,
        ),
      ];
  return [conversionRate(bundle), ...accuracy, ...latency, ...stages].sort(
    (a, b) => SUBJECTS.indexOf(a.subject) - SUBJECTS.indexOf(b.subject),
  );
}

function conversionRate({ manifest }: ModelBundle): Figure {
  const { conversionSuccessRate: value } = manifest;
  return { subject: 'accuracy', name: 'Conversion success rate on cpu', value, unit: 'share', minimum: 1 };
}

async function latencyFigures(bundle: ModelBundle, { float }: FigurePlaces): Promise<Figure[]> {
  if (!existsSync(float)) {
    return [
      notMeasured(
        'latency',
        'Engine over onnxruntime, batch 1, one thread',
        'ratio',
        `no float model at ${float}`,
      ),
    ];
  }
  const peers = await onnxruntimePeers(bundle, float);
  const timing = await timeGraph(bundle, { batch: 1, threads: 1, iterations: 500, peers });
  const { [FLOAT_PEER]: peer, [INTEGER_PEER]: integerPeer } = timing.peers;
  const remark = `${timing.instructionSet}, medians of 500 calls each`;
  return [
    {
      subject: 'latency',
      name: 'Engine, batch 1, one thread',
      value: timing.engine.median,
      unit: 'ms',
      remark,
    },
    { subject: 'latency', name: 'onnxruntime float, same run', value: peer.median, unit: 'ms' },
    { subject: 'latency', name: 'onnxruntime int8, same run', value: integerPeer.median, unit: 'ms' },
    {
      subject: 'latency',
      name: 'Engine over onnxruntime',
      value: timing.ratios[FLOAT_PEER],
      unit: 'ratio',
      maximum: 0.6,
    },
  ];
}

async function stageFigures(
  bundle: ModelBundle,
  engine: Engine,
  { fullSize }: FigurePlaces,
): Promise<Figure[]> {
  if (!existsSync(fullSize)) {
    return [
      notMeasured('stages', 'All but decode over decode, full size', 'ratio', `no images at ${fullSize}`),
    ];
  }
  const { images } = await listImages(fullSize);
  const { stages, rest, restOverDecode } = await timeStages(
    bundle,
    engine,
    await imagesOf(images, fullSize),
    1,
  );
  const remark = `median over ${images.length} images`;
  return [
    { subject: 'stages', name: 'Decode', value: stages.decode.median, unit: 'ms', remark },
    { subject: 'stages', name: 'Quality check', value: stages.quality.median, unit: 'ms' },
    { subject: 'stages', name: 'Crop and resampling', value: stages.crop.median, unit: 'ms' },
    { subject: 'stages', name: 'Inference', value: stages.inference.median, unit: 'ms' },
    { subject: 'stages', name: 'Everything but decode', value: rest.median, unit: 'ms' },
    {
      subject: 'stages',
      name: 'Everything but decode, over decode',
      value: restOverDecode,
      unit: 'ratio',
      maximum: 1,
    },
  ];
}

async function accuracyFigures(
  bundle: ModelBundle,
  engine: Engine,
  places: FigurePlaces,
  say: (stage: string) => void,
): Promise<Figure[]> {
  const dataset = await loadDataset(places.dataset, bundle.graph.classes);
  const crop = bundle.preprocessing.crop.enabled;
  const run = async (
    split: Split,
    setting: Setting,
    { model = bundle, float }: { model?: ModelBundle; float?: FloatModel } = {},
  ): Promise<EvaluationDocument> => {
    say(`${split}, ${setting.crop ? 'crop' : 'centred square'}${setting.tiling ? ', tiling' : ''}`);
    const options = { split, ...setting, ...(float !== undefined && { float }) };
    return (await evaluate(dataset, samplesOf(dataset, split), model, engine, options)).document;
  };
  const float = existsSync(places.float)
    ? await openFloatModel(places.float, bundle.preprocessing.width)
    : undefined;
  const centred = await run('test', { crop: false, tiling: false }, float === undefined ? {} : { float });
  await float?.close();
  const cropped = await run('test', { crop: true, tiling: false });
  const valCentred = await run('val', { crop: false, tiling: false });
  const valCropped = await run('val', { crop: true, tiling: false });
  const plain = crop ? cropped : centred;
  const valPlain = crop ? valCropped : valCentred;
  const tiled = await run('test', { crop, tiling: true });
  const valTiled = await run('val', { crop, tiling: true });
  const uncalibrated = await run('test', { crop, tiling: false }, { model: withPlainSoftmax(bundle) });
  const byImage = await run(
    'test',
    { crop, tiling: false },
    { model: await fittedByImage(dataset, bundle, engine) },
  );
  const shipped = bundle.readout.tiling.enabled ? tiled : plain;
  const valShipped = bundle.readout.tiling.enabled ? valTiled : valPlain;
  return [
    ...floatFigures(centred, places.float),
    ...triageFigures(valShipped, shipped),
    ...cropFigures('validation', valCentred, valCropped),
    ...cropFigures('test', centred, cropped),
    ...(await maskFigures(dataset, samplesOf(dataset, 'test'), bundle, engine, places, say)),
    ...calibrationFigures({ uncalibrated, calibrated: plain, byImage, shipped }),
    {
      subject: 'readout',
      name: 'Tiling triggers on validation',
      value: valTiled.tiledShare,
      unit: 'share',
      minimum: 0.16,
      maximum: 0.2,
      remark: `default: ${bundle.readout.tiling.enabled ? 'on' : 'off'}`,
    },
    { subject: 'readout', name: 'Tiling triggers on test', value: tiled.tiledShare, unit: 'share' },
    ...differences('readout', 'Tiling on validation', valPlain, valTiled),
    ...differences('readout', 'Tiling on test', plain, tiled),
  ];
}

/** α = the scale of the potentials: the softmax of the logits as they are. */
function withPlainSoftmax(bundle: ModelBundle): ModelBundle {
  return withAlpha(bundle, bundle.graph.head.scale);
}

/** α as it would be if every validation image counted once, not every lesion: what that choice is worth. */
async function fittedByImage(dataset: Dataset, bundle: ModelBundle, engine: Engine): Promise<ModelBundle> {
  const { views } = await readViews(samplesOf(dataset, 'val'), bundle, engine);
  const scored = views.map(({ sample: { label }, centred, cropped }) => ({
    potentials: (bundle.preprocessing.crop.enabled ? cropped : centred).whole,
    label,
    weight: 1,
  }));
  return withAlpha(bundle, fitAlpha(scored, bundle.graph.head.scale));
}

function withAlpha(bundle: ModelBundle, alpha: number): ModelBundle {
  return { ...bundle, readout: { ...bundle.readout, alpha } };
}

function floatFigures(centred: EvaluationDocument, file: string): Figure[] {
  const { float, agreement, n, top1, macroF1 } = centred;
  if (float === undefined || agreement === undefined) {
    return [notMeasured('accuracy', 'Against the float graph', 'points', `no float model at ${file}`)];
  }
  const remark = `${n} test images, centred square`;
  return [
    { subject: 'accuracy', name: 'Top-1, integer', value: top1, unit: 'share', remark },
    { subject: 'accuracy', name: 'Top-1, float', value: float.top1, unit: 'share' },
    {
      subject: 'accuracy',
      name: 'Top-1, integer − float',
      value: 100 * (top1 - float.top1),
      unit: 'points',
      minimum: -0.5,
    },
    { subject: 'accuracy', name: 'Macro F1, integer', value: macroF1, unit: 'share' },
    { subject: 'accuracy', name: 'Macro F1, float', value: float.macroF1, unit: 'share' },
    {
      subject: 'accuracy',
      name: 'Macro F1, integer − float',
      value: 100 * (macroF1 - float.macroF1),
      unit: 'points',
      minimum: -1,
    },
    { subject: 'accuracy', name: 'Same winning class', value: agreement, unit: 'share', minimum: 0.97 },
  ];
}

function cropFigures(split: string, without: EvaluationDocument, withIt: EvaluationDocument): Figure[] {
  return [
    { subject: 'crop', name: `Top-1 on ${split}, centred square`, value: without.top1, unit: 'share' },
    { subject: 'crop', name: `Top-1 on ${split}, crop`, value: withIt.top1, unit: 'share' },
    { subject: 'crop', name: `Macro F1 on ${split}, centred square`, value: without.macroF1, unit: 'share' },
    { subject: 'crop', name: `Macro F1 on ${split}, crop`, value: withIt.macroF1, unit: 'share' },
  ];
}

async function maskFigures(
  dataset: Dataset,
  samples: readonly Sample[],
  bundle: ModelBundle,
  engine: Engine,
  { dataset: folder }: FigurePlaces,
  say: (stage: string) => void,
): Promise<Figure[]> {
  const masks = path.join(folder, 'masks');
  if (!existsSync(masks)) {
    return [notMeasured('crop', `Lesion kept by the crop, ${dataset.name}`, 'share', `no masks at ${masks}`)];
  }
  say('lesion masks');
  const crop = await maskRetention(samples, masks, bundle, engine, true);
  const centred = await maskRetention(samples, masks, bundle, engine, false);
  const remark = `${crop.images} masks; ${(100 * crop.moved).toFixed(1)} % of the squares are moved`;
  return [
    {
      subject: 'crop',
      name: 'Lesion kept by the crop, mean',
      value: crop.mean,
      unit: 'share',
      minimum: 0.95,
      remark,
    },
    {
      subject: 'crop',
      name: 'Images keeping 70 % of the lesion',
      value: crop.atLeast70,
      unit: 'share',
      minimum: 0.9,
    },
    { subject: 'crop', name: 'Lesion kept by the centred square, mean', value: centred.mean, unit: 'share' },
    { subject: 'crop', name: 'The same for 70 %, centred square', value: centred.atLeast70, unit: 'share' },
  ];
}

function calibrationFigures({
  uncalibrated,
  calibrated,
  byImage,
  shipped,
}: Readonly<Record<'uncalibrated' | 'calibrated' | 'byImage' | 'shipped', EvaluationDocument>>): Figure[] {
  return [
    { subject: 'readout', name: 'ECE on test, plain softmax', value: uncalibrated.ece, unit: 'ece' },
    {
      subject: 'readout',
      name: 'ECE on test, calibrated',
      value: calibrated.ece,
      unit: 'ece',
      maximum: 0.05,
    },
    {
      subject: 'readout',
      name: 'Calibrated over plain',
      value: calibrated.ece / uncalibrated.ece,
      unit: 'ratio',
      maximum: 0.5,
    },
    { subject: 'readout', name: 'ECE on test, were α fitted by image', value: byImage.ece, unit: 'ece' },
    { subject: 'readout', name: 'ECE on test, as shipped', value: shipped.ece, unit: 'ece', maximum: 0.05 },
  ];
}

function differences(
  subject: Subject,
  name: string,
  without: EvaluationDocument,
  withIt: EvaluationDocument,
): Figure[] {
  return [
    { subject, name: `${name}: Top-1`, value: 100 * (withIt.top1 - without.top1), unit: 'points' },
    { subject, name: `${name}: macro F1`, value: 100 * (withIt.macroF1 - without.macroF1), unit: 'points' },
  ];
}
