/**
 * Whether all values lie in a closed range; NaN lies in none. With a plain loop: bundles have many thousands of values, and
 * at a start a call for each of them would be cold.
 */
export function areWithin(
  values: Uint8Array | Int16Array | Int32Array | Float32Array | Float64Array,
  least: number,
  most: number,
): boolean {
  for (let i = 0; i < values.length; i++) if (!(values[i] >= least && values[i] <= most)) return false;
  return true;
}
