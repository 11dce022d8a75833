import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const WIDTH = 125;
/** A page's lines that a program wrote, or that cannot be broken: tables, titles, markup. */
const UNBREAKABLE = /^\s*([|#<]|!?\[[^\]]*\]\()/;

/** Files with such an ending below a folder, but for what was installed, built or generated there. */
const filesBelow = (folder: string, ending: RegExp) =>
  readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => ending.test(file) && !/(^|\/)(node_modules|api|build[^/]*)\//.test(file))
    .map((file) => path.join(folder, file));

const linesOf = (file: string) => readFileSync(path.join(ROOT, file), 'utf8').split('\n');

/** Lines outside fenced blocks. */
function proseLines(file: string): { line: string; number: number }[] {
  let isFenced = false;
  return linesOf(file).flatMap((line, index) => {
    if (line.trimStart().startsWith('```')) isFenced = !isFenced;
    return isFenced ? [] : [{ line, number: index + 1 }];
  });
}

const pages = [...readdirSync(ROOT).filter((file) => file.endsWith('.md')), ...filesBelow('docs', /\.md$/)];

describe('the pages', () => {
  it(`have lines of at most ${WIDTH} columns, but for tables`, () => {
    const long = pages.flatMap((file) =>
      proseLines(file)
        .filter(({ line }) => line.length > WIDTH && !UNBREAKABLE.test(line))
        .map(({ number }) => `${file}:${number}`),
    );
    expect(pages.length).toBeGreaterThan(20);
    expect(long).toEqual([]);
  });

  it('link to pages and files that are there', () => {
    const dead = pages.flatMap((file) =>
      proseLines(file).flatMap(({ line, number }) =>
        [...line.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
          .map(([, target]) => target)
          .filter((target) => !/^[a-z]+:/.test(target))
          .filter((target) => !existsSync(path.join(ROOT, path.dirname(file), target)))
          .map((target) => `${file}:${number} ${target}`),
      ),
    );
    expect(dead).toEqual([]);
  });
});

describe('comments', () => {
  it(`have lines of at most ${WIDTH} columns`, () => {
    const long = ['src', 'test', 'scripts', 'native']
      .flatMap((folder) => filesBelow(folder, /\.(ts|mjs|cpp|h)$/))
      .flatMap((file) =>
        linesOf(file)
          .map((line, index) => ({ line, place: `${file}:${index + 1}` }))
          .filter(({ line }) => line.length > WIDTH && /^\s*(\/\/|\/?\*)/.test(line))
          .map(({ place }) => place),
      );
    expect(long).toEqual([]);
  });
});
