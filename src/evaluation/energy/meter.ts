/** What a machine offers to measure its own energy with. */

/** A measurement under way. */
export interface Measurement {
  /** Joules since the start. */
  stop(): Promise<number>;
}

export interface EnergyMeter {
  readonly name: 'rapl' | 'pmic';
  /** What its joules are of. */
  readonly covers: string;
  start(): Promise<Measurement>;
}

/** A meter, or why there is none. */
export type FoundMeter = EnergyMeter | { readonly absent: string };
