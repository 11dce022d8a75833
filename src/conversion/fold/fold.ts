/** The rewrites that leave only nodes with an integer form. */
import type { FloatGraph } from '../float/graph.ts';
import {
  affineAsDepthwise,
  affineBeforeAveragePool,
  affineBeforeConcat,
  affineIntoAffine,
  affineIntoConsumers,
  affineIntoCopy,
  affineIntoLayer,
  uniformAffineAsFunction,
  uniformAffineThroughClamp,
} from './affine.ts';
import {
  clampAsRescale,
  clampBeforeConcat,
  clampBeforeMove,
  clampIntoMaker,
  clampOfBounded,
  clampOfSigmoid,
} from './clamp.ts';
import { affineIntoFunction, functionIntoFunction } from './function.ts';
import { outputConvolutionAsDense } from './head.ts';
import { inputAffineIntoConsumers, refuseLooseNormalisation } from './input.ts';
import { padIntoWindow, shiftedPadIntoConvolution } from './pad.ts';
import { applyRules, type Rule } from './rule.ts';
import { selectIntoConsumer, selectIntoMaker, selectIntoSelect, selectOfEverything } from './select.ts';

/** Rewrites that cost nothing: they come before any composition of layers. */
const SIMPLE: readonly Rule[] = [
  shiftedPadIntoConvolution,
  padIntoWindow,
  affineIntoAffine,
  affineIntoLayer,
  uniformAffineThroughClamp,
  affineBeforeConcat,
  affineBeforeAveragePool,
  clampOfSigmoid,
  clampOfBounded,
  clampIntoMaker,
  clampBeforeConcat,
  clampBeforeMove,
  functionIntoFunction,
  selectOfEverything,
  selectIntoSelect,
  selectIntoMaker,
  selectIntoConsumer,
];

const FINAL: readonly Rule[] = [
  ...SIMPLE,
  affineIntoFunction,
  inputAffineIntoConsumers,
  affineIntoCopy,
  affineIntoConsumers,
  uniformAffineAsFunction,
  affineAsDepthwise,
  clampAsRescale,
  outputConvolutionAsDense,
];

export function simplify(graph: FloatGraph): FloatGraph {
  return applyRules(graph, SIMPLE);
}

/** After this the graph has no affine and no clamp nodes. @throws RefusedError `INPUT_NORMALISATION` */
export function fold(graph: FloatGraph): FloatGraph {
  const folded = applyRules(graph, FINAL);
  refuseLooseNormalisation(folded);
  return folded;
}
