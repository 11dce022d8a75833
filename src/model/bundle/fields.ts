/** Schemas of single fields in documents from outside: numbers with their ranges, names, texts. */
import { z } from 'zod';
import { INDETERMINATE, RETAKE } from '../answers.ts';

/** One check where zod's own would be three: a bundle has a thousand such numbers, and a start little time. */
export const whole = (from: number, to: number) =>
  z.custom<number>(
    (value) => typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to,
    `expected a whole number from ${from} to ${to}`,
  );

/** A number of a closed range, which holds no infinity and is none. */
export const real = (from: number, to: number) =>
  z.custom<number>(
    (value) => typeof value === 'number' && value >= from && value <= to,
    `expected a number from ${from} to ${to}`,
  );

export const share = real(0, 1);

/**
 * Real value of one step of an integer. Within these bounds the product with any int32, and of two scales, is finite in
 * double precision, and each scale is a normal number in single precision.
 */
export const scale = real(1e-30, 1e30);

/** How many of something there are: images, nodes. */
export const count = whole(0, 2 ** 31 - 1);

const isText = (value: unknown, characters: number) =>
  typeof value === 'string' && value.length <= characters;

/** Free text for people; what shows it escapes it. */
export const text = (characters: number) =>
  z.custom<string>((value) => isText(value, characters), `expected text of at most ${characters} characters`);

/** Characters of a name out of a float model; the document's own bound is the tighter one for many of them. */
const FOREIGN_NAME = 2 ** 20;

/** A name out of a float model, as it came. */
export const foreignName = text(FOREIGN_NAME);

/** A list of them, in one check: a layer has three such lists. */
export const foreignNames = (most: number) =>
  z.custom<readonly string[]>(
    (value) =>
      Array.isArray(value) && value.length <= most && value.every((name) => isText(name, FOREIGN_NAME)),
    `expected a list of at most ${most} names`,
  );

/** Control and format characters, halves of a surrogate pair, line and paragraph separators. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/**
 * Whether all characters are of those that Western Europe writes with. They can all be seen; to be told so by the classes of
 * Unicode costs a millisecond at every start, in which these are compiled.
 */
export function isWestern(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    const isVisible =
      (code >= 0x20 && code <= 0x7e) ||
      (code >= 0xa1 && code <= 0x17f && code !== SOFT_HYPHEN) ||
      (code >= EN_DASH && code <= LAST_QUOTE);
    if (!isVisible) return false;
  }
  return true;
}
const SOFT_HYPHEN = 0xad;
const EN_DASH = 0x2013;
const LAST_QUOTE = 0x201f;

function isPlain(name: string): boolean {
  return (isWestern(name) || !UNSEEN.test(name)) && name === name.trim();
}

/** A name that stands in messages, journals and on screens: every character can be seen, no space at either end. */
export const plainName = (characters: number) =>
  z
    .string()
    .min(1)
    .max(characters)
    .refine(isPlain, 'expected a name of visible characters without spaces at its ends');

const ANSWERS: readonly string[] = [RETAKE, INDETERMINATE];

/** No answer that is no class, and nothing that every object has already, such as `constructor`. */
function isFree(name: string): boolean {
  return !ANSWERS.includes(name.normalize('NFKC').toLowerCase()) && !(name in Object.prototype);
}

const className = plainName(64).refine(isFree, 'expected a name that means nothing else');

/** Class names in the order of the potentials, no two of which look alike. */
export const classNames = z
  .array(className)
  .min(1)
  .max(4096)
  .refine(
    (names) => new Set(names.map((name) => name.normalize('NFKC'))).size === names.length,
    'expected every class to have a name of its own',
  );
