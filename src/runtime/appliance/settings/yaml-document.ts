import { LineCounter, parseDocument } from 'yaml';

/** A document of YAML, its faults unthrown, and what says line and column of an offset in it, for people. */
export function yamlDocument(text: string) {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const placeOf = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `line ${line}, column ${col}`;
  };
  return { document, placeOf };
}
