/** What a terminal, or whatever else reads the text, can show. */

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Colour only where a person looks: on a terminal that obeys escapes. NO_COLOR (no-color.org) and FORCE_COLOR go before what
 * is seen; `FORCE_COLOR=0` or `false` is a no.
 */
export function wantsColour(isTerminal: boolean, environment: Environment = process.env): boolean {
  const { NO_COLOR: no, FORCE_COLOR: forced } = environment;
  if (no) return false;
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return obeysEscapes(isTerminal, environment);
}

/** Whether the cursor can be moved and a line be written anew. */
export function obeysEscapes(isTerminal: boolean, environment: Environment = process.env): boolean {
  return isTerminal && environment.TERM !== 'dumb';
}

/** Whether the locale's characters are Unicode; also where no locale is set, as in most containers. */
export function showsUnicode(environment: Environment = process.env): boolean {
  const locale = environment.LC_ALL || environment.LC_CTYPE || environment.LANG;
  return !locale || /utf-?8/i.test(locale);
}

const SUBSTITUTES: Readonly<Record<string, string>> = {
  ...{ '█': '#', '░': '.', '●': '*', '▲': '!', '○': 'o', '✓': '+', '✗': 'x', '→': '->', '←': '<-' },
  ...{ '·': '|', '–': '-', '—': '-', '−': '-', '…': '...', '’': "'", '‘': "'", '“': '"', '”': '"' },
  ...{
    '×': 'x',
    '≤': '<=',
    '≥': '>=',
    '≈': '~',
    '±': '+-',
    '°': ' deg ',
    '‰': 'permille',
    '⌊': '[',
    '⌋': ']',
  },
  ...{ α: 'alpha', τ: 'tau', σ: 'sigma', µ: 'u', μ: 'u', '²': '^2', Σ: 'sum', '\u00a0': ' ', '\u202f': ' ' },
};

/** The project's own signs in ASCII. Letters of names and paths stay: they are what the reader called them. */
export function inAscii(text: string): string {
  return text.replace(/[^\0-\x7f]/gu, (sign) => SUBSTITUTES[sign] ?? sign);
}
