/** The example of the page about the library. */
import { readFileSync } from 'node:fs';

export const PAGE = 'docs/use/library.md';

/** The lines between the marks of an example in a page; null where it has none. */
export function exampleIn(page: string): string | null {
  const block = /<!-- example -->\n```ts\n([\s\S]*?)```\n<!-- \/example -->/;
  return block.exec(readFileSync(page, 'utf8'))?.at(1) ?? null;
}
