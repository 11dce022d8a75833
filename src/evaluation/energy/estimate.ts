/** Energy from numbers of operations: what the arithmetic alone would take, not a measurement. */

/** Picojoules of one integer operation in 45 nm at 0.9 V. */
const PICOJOULES = { multiply8: 0.2, add32: 0.1 };
const SOURCE =
  'M. Horowitz, Computing’s energy problem (and what we can do about it), ISSCC 2014, figure 1.1.9: 45 nm, 0.9 V, 8-bit multiply 0.2 pJ, 32-bit add 0.1 pJ';
const MICRO_PER_PICO = 1e-6;

export interface EnergyEstimate {
  readonly label: 'estimate';
  readonly source: string;
  readonly leavesOut: string;
  /** Microjoules per image, every synapse a multiply-add. */
  readonly dense: number;
  /** Microjoules per image, a multiply-add for each synapse whose source is not at rest. */
  readonly events: number;
  /** Microjoules per image, an addition for each spike on each synapse. */
  readonly spikes: number;
}

/** @param operations per image */
export function estimateEnergy(operations: {
  readonly synapses: number;
  readonly activeSynapses: number;
  readonly synapticOperations: number;
}): EnergyEstimate {
  const multiplyAdd = (PICOJOULES.multiply8 + PICOJOULES.add32) * MICRO_PER_PICO;
  return {
    label: 'estimate',
    source: SOURCE,
    leavesOut: 'memory, control, and everything else but the arithmetic of synapses',
    dense: operations.synapses * multiplyAdd,
    events: operations.activeSynapses * multiplyAdd,
    spikes: operations.synapticOperations * PICOJOULES.add32 * MICRO_PER_PICO,
  };
}
