import { describe, expect, it } from 'vitest';
import { inAscii, obeysEscapes, showsUnicode, wantsColour } from '../../../src/ui/terminal/capabilities.ts';

describe('colour', () => {
  it('is for terminals', () => {
    expect(wantsColour(true, {})).toBe(true);
    expect(wantsColour(false, {})).toBe(false);
  });

  it('is not for a terminal that obeys no escapes', () => {
    expect(wantsColour(true, { TERM: 'dumb' })).toBe(false);
    expect(obeysEscapes(true, { TERM: 'dumb' })).toBe(false);
    expect(obeysEscapes(true, { TERM: 'xterm' })).toBe(true);
  });

  it('goes by NO_COLOR, unless that is empty, then by FORCE_COLOR', () => {
    expect(wantsColour(true, { NO_COLOR: '1' })).toBe(false);
    expect(wantsColour(true, { NO_COLOR: '' })).toBe(true);
    expect(wantsColour(false, { FORCE_COLOR: '1', TERM: 'dumb' })).toBe(true);
    expect(wantsColour(true, { FORCE_COLOR: '0' })).toBe(false);
    expect(wantsColour(true, { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false);
  });
});

describe('signs beyond ASCII', () => {
  it('are shown where the locale is Unicode, or none is set', () => {
    expect(showsUnicode({ LANG: 'de_CH.UTF-8' })).toBe(true);
    expect(showsUnicode({ LANG: 'C.utf8' })).toBe(true);
    expect(showsUnicode({})).toBe(true);
  });

  it('are not shown where it is another; LC_ALL goes before LC_CTYPE, and that before LANG', () => {
    expect(showsUnicode({ LC_ALL: 'C', LANG: 'C.UTF-8' })).toBe(false);
    expect(showsUnicode({ LC_CTYPE: 'POSIX', LANG: 'C.UTF-8' })).toBe(false);
    expect(showsUnicode({ LC_ALL: '', LC_CTYPE: 'C.UTF-8', LANG: 'C' })).toBe(true);
    expect(showsUnicode({ LANG: 'de_CH.ISO-8859-1' })).toBe(false);
  });

  it('have substitutes, while the letters of names stay', () => {
    expect(inAscii('● mel ██░░ 450×450 · Bowen’s → τ ≥ 1 … Zoë')).toBe(
      "* mel ##.. 450x450 | Bowen's -> tau >= 1 ... Zoë",
    );
  });
});
