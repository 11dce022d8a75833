import { stripVTControlCharacters } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { note, print, startProgress } from '../../../src/ui/terminal/console.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  Reflect.deleteProperty(process.stderr, 'isTTY');
  Reflect.deleteProperty(process.stderr, 'columns');
});

/** What appears while `work` runs on a terminal, in the order of its writing. */
function written(columns: number, work: () => void): string {
  let text = '';
  const take = (chunk: string | Uint8Array) => {
    text += String(chunk);
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(take);
  vi.spyOn(process.stderr, 'write').mockImplementation(take);
  Object.defineProperty(process.stderr, 'isTTY', { value: true, configurable: true });
  Object.defineProperty(process.stderr, 'columns', { value: columns, configurable: true });
  work();
  return text;
}

function withBar(): void {
  const progress = startProgress('classify', 100);
  progress.advance();
  print('a result');
  note('a remark');
  progress.stop();
}

describe('progress on a terminal', () => {
  it('leaves a line of its own to everything that is said meanwhile', () => {
    vi.stubEnv('TERM', 'xterm');
    const text = written(80, withBar);
    // The bar's line is cleared, and the cursor at its beginning, before a word is written.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is how a line is cleared
    expect(text).toMatch(/\u001b\[2?K[^\n]*a result\n/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: likewise
    expect(text).toMatch(/\u001b\[2?K[^\n]*a remark\n/);
    // It is drawn again after both.
    expect(text.lastIndexOf('1/100')).toBeGreaterThan(text.indexOf('a remark'));
  });

  it('fits forty columns', () => {
    vi.stubEnv('TERM', 'xterm');
    const text = written(40, withBar);
    const bars =
      stripVTControlCharacters(text.replaceAll('\u001b', '\n\u001b')).match(/classify [ -~]*1\/100[ -~]*/g) ??
      [];
    expect(bars.length).toBeGreaterThan(0);
    for (const bar of bars) expect(bar.length).toBeLessThanOrEqual(40);
  });

  it('is no bar where the terminal moves no cursor', () => {
    vi.stubEnv('TERM', 'dumb');
    expect(written(80, withBar)).toBe('a result\na remark\n');
  });
});
