/** Signatures of image formats, as bytes. */
const SIGNATURES = [
  [0xff, 0xd8, 0xff],
  [0x89, 0x50, 0x4e, 0x47],
  [0x52, 0x49, 0x46, 0x46],
  [0x47, 0x49, 0x46, 0x38],
  [0x49, 0x49, 0x2a, 0x00],
  [0x4d, 0x4d, 0x00, 0x2a],
];

/** Longer runs without a space or a quotation mark than a digest are taken for encoded data. */
const LONGEST_WORD = 64;
const LONGEST_TEXT = 128;
const LONGEST_LIST = 32;

/** What in a message could be image data, in whatever encoding: the findings in words, none for a clean message. */
export function imageTraces(message: Uint8Array): string[] {
  const bytes = Buffer.from(message);
  const text = bytes.toString('latin1');
  const traces: string[] = [];
  for (const signature of SIGNATURES.map((values) => Buffer.from(values))) {
    if (bytes.includes(signature)) traces.push(`the bytes ${signature.toString('hex')}`);
    // Three bytes turn up in a digest by chance; four hardly do, and longer data are caught by their length.
    const digits = signature.toString('hex');
    if (digits.length >= 8 && text.toLowerCase().includes(digits)) traces.push(`the hexadecimal ${digits}`);
    const base64 = signature.toString('base64').replace(/=+$/, '').slice(0, 4);
    if (new RegExp(`"${base64.replace(/[+/]/g, '\\$&')}`).test(text))
      traces.push(`base64 that begins ${base64}`);
  }
  if (/data:image/i.test(text)) traces.push('a data URL');
  const word = /[A-Za-z0-9+/=_-]{65,}/.exec(text)?.[0];
  if (word !== undefined && word.length > LONGEST_WORD) traces.push(`a word of ${word.length} characters`);
  return [...traces, ...tracesOf(JSON.parse(bytes.toString('utf8')), '')];
}

function tracesOf(value: unknown, place: string): string[] {
  if (typeof value === 'string') {
    return value.length > LONGEST_TEXT ? [`a text of ${value.length} characters at ${place}`] : [];
  }
  if (typeof value !== 'object' || value === null) return [];
  const entries = Object.entries(value);
  const long = entries.length > LONGEST_LIST ? [`${entries.length} values at ${place}`] : [];
  return [...long, ...entries.flatMap(([key, item]) => tracesOf(item, `${place}.${key}`))];
}
