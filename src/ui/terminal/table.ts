/**
 * Columns of text; widths count characters without colour.
 * @param left columns aligned left, by default the first; the others are aligned right
 */
export function tableLines(rows: readonly (readonly string[])[], left: readonly number[] = [0]): string[] {
  const widths = rows.reduce<number[]>((widest, row) => {
    row.forEach((cell, i) => {
      widest[i] = Math.max(widest[i] ?? 0, widthOf(cell));
    });
    return widest;
  }, []);
  return rows.map((row) =>
    row
      .map((cell, i) => padded(cell, widths[i], left.includes(i)))
      .join('  ')
      .trimEnd(),
  );
}

function padded(cell: string, width: number, left: boolean): string {
  const space = ' '.repeat(width - widthOf(cell));
  return left ? cell + space : space + cell;
}

/** Characters without colour. */
export function widthOf(cell: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a colour is on a terminal
  return [...cell.replace(/\u001b\[[0-9;]*m/g, '')].length;
}
