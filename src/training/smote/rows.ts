/** Vectors of equal length, one after the other. */
export interface Rows {
  /** count × width. */
  readonly values: Float32Array;
  readonly count: number;
  readonly width: number;
}

/** @throws RangeError when the values are not `count` vectors of one length: a defect of the caller */
export function rowsOf(values: Float32Array, width: number): Rows {
  const count = values.length / width;
  if (!Number.isInteger(count) || width < 1) {
    throw new RangeError(`${values.length} values are no vectors of length ${width}`);
  }
  return { values, count, width };
}

/** One vector, without copying it. */
export function row({ values, width }: Rows, index: number): Float32Array {
  return values.subarray(index * width, (index + 1) * width);
}

/** The chosen vectors, in the order of the indices. */
export function selectRows(rows: Rows, indices: ArrayLike<number>): Rows {
  const values = new Float32Array(indices.length * rows.width);
  for (let i = 0; i < indices.length; i++) values.set(row(rows, indices[i]), i * rows.width);
  return { values, count: indices.length, width: rows.width };
}

/** All vectors, part after part. */
export function stackRows(parts: readonly Rows[]): Rows {
  const values = new Float32Array(parts.reduce((sum, part) => sum + part.values.length, 0));
  let offset = 0;
  for (const part of parts) {
    values.set(part.values, offset);
    offset += part.values.length;
  }
  return rowsOf(values, parts[0].width);
}
