export interface Spread {
  readonly median: number;
  readonly p95: number;
}

export function spreadOf(times: readonly number[]): Spread {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) => rounded(sorted[Math.ceil(share * sorted.length) - 1], 1);
  return { median: at(0.5), p95: at(0.95) };
}

export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
