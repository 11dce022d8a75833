import type { Engine } from '../../runtime/engine/contract.ts';
import { findMeter } from './find-meter.ts';
import { type MeasuredEnergy, measureEnergy } from './measure.ts';

/** Energy of an engine by the machine's own meter. */
export interface InferenceEnergy {
  /** Null where the machine offers no meter. */
  readonly measured: MeasuredEnergy | null;
  /** Why nothing was measured; null where it was. */
  readonly reason: string | null;
}

/** Measures one image at a time, for some seconds; at once where there is no meter. */
export async function energyOfInference(engine: Engine, input: Uint8Array): Promise<InferenceEnergy> {
  const meter = await findMeter();
  if ('absent' in meter) return { measured: null, reason: meter.absent };
  return { measured: await measureEnergy(meter, () => engine.infer(input), 1), reason: null };
}

/** For people, one line. */
export function energyLine({ measured, reason }: InferenceEnergy): string {
  if (measured === null) return `energy: not measured (${reason})`;
  const { joulesPerImage, joulesPerImageAboveIdle, meter, covers } = measured;
  return `energy: ${millijoules(joulesPerImage)} per image, ${millijoules(joulesPerImageAboveIdle)} of them above idleness, by ${meter}: ${covers}`;
}

function millijoules(joules: number): string {
  return `${(1000 * joules).toFixed(2)} mJ`;
}
