import { inAscii } from '../../ui/terminal/capabilities.ts';

/** Lines of a file that every editor of every system shows: ASCII, ended by CR and LF; what has no sign there is `?`. */
export function forAnyEditor(lines: readonly string[]): string {
  return lines.map((line) => `${inAscii(line).replace(/[^\x20-\x7e]/gu, '?')}\r\n`).join('');
}
