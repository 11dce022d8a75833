/** What figures are about, in the order in which they are shown. */
export const SUBJECTS = ['accuracy', 'triage', 'latency', 'stages', 'crop', 'readout'] as const;
export type Subject = (typeof SUBJECTS)[number];

/** A figure, measured or not, beside what was wanted of it. */
export interface Figure {
  readonly subject: Subject;
  readonly name: string;
  /** Null when it was not measured; `remark` then says why. */
  readonly value: number | null;
  readonly unit: 'share' | 'points' | 'ratio' | 'ms' | 'ece';
  /** Bounds, where something was wanted. */
  readonly minimum?: number;
  readonly maximum?: number;
  readonly remark?: string;
}

/** Null where nothing was wanted or nothing was measured. */
export function isMet({ value, minimum, maximum }: Figure): boolean | null {
  if (value === null || (minimum === undefined && maximum === undefined)) return null;
  return value >= (minimum ?? Number.NEGATIVE_INFINITY) && value <= (maximum ?? Number.POSITIVE_INFINITY);
}

export function notMeasured(subject: Subject, name: string, unit: Figure['unit'], why: string): Figure {
  return { subject, name, value: null, unit, remark: `not measured: ${why}` };
}

export function formatted({ value, unit }: Pick<Figure, 'value' | 'unit'>): string {
  if (value === null) return '–';
  switch (unit) {
    case 'share':
      return `${(100 * value).toFixed(2)} %`;
    case 'points':
      return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)} points`;
    case 'ms':
      return `${value.toFixed(3)} ms`;
    case 'ratio':
      return value.toFixed(3);
    case 'ece':
      return value.toFixed(4);
  }
}

/** What was wanted, in words: `≥ 97.00 %`, `−0.50 … +0.50 points`. */
export function wanted({ unit, minimum, maximum }: Figure): string {
  const low = minimum === undefined ? null : formatted({ value: minimum, unit });
  const high = maximum === undefined ? null : formatted({ value: maximum, unit });
  if (low !== null && high !== null) return `${low} … ${high}`;
  if (low !== null) return `≥ ${low}`;
  return high === null ? '' : `≤ ${high}`;
}
