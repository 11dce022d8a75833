/** What a fresh bundle says before anything was fitted. */
import { UsageError } from '../errors.ts';
import type { ModelCard } from '../model/bundle/card.ts';
import type { Preprocessing, Readout } from '../model/bundle/contract.ts';
import type { IntegerGraph, Shape } from '../model/graph.ts';
import { DEFAULT_CROP } from '../preprocess/crop.ts';
import { DEFAULT_QUALITY } from '../preprocess/quality.ts';

/** HAM10000's classes in the order of the specification. */
export const HAM10000_CLASSES = ['akiec', 'bcc', 'bkl', 'df', 'mel', 'nv', 'vasc'] as const;

/** @throws UsageError `CLASSES` unless there is one distinct name per logit */
export function classNames(given: readonly string[] | undefined, count: number): readonly string[] {
  if (given === undefined) {
    return count === HAM10000_CLASSES.length
      ? HAM10000_CLASSES
      : Array.from({ length: count }, (_, i) => `class${i}`);
  }
  if (given.length !== count || new Set(given).size !== count || given.includes('')) {
    throw new UsageError('CLASSES', 'The class names do not fit the network', {
      expected: `${count} distinct names`,
      received: given.join(','),
    });
  }
  return given;
}

export function defaultPreprocessing([height, width]: Shape): Preprocessing {
  return {
    width,
    height,
    colour: 'rgb',
    resampling: 'area',
    crop: DEFAULT_CROP,
    quality: DEFAULT_QUALITY,
  };
}

/** The float network's own softmax: α turns potentials back into logits. */
export function defaultReadout({ head, classes }: IntegerGraph): Readout {
  return {
    alpha: head.scale,
    thresholds: classes.map(() => 0),
    tiling: { enabled: false, tau: 0, overlap: 0.2 },
    fittedOn: null,
  };
}

export const DEFAULT_CARD: ModelCard = {
  description: 'Converted from a float model; nobody described it.',
  data: 'not stated',
  protocol: 'not stated',
  licence: 'not stated',
  metrics: {},
  limitations: ['Not a medical device.', 'Nothing is known about the data it was trained on.'],
};
