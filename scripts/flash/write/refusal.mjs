/** What `npm run flash` refuses, in words for the person at the workstation. */

/**
 * @typedef {object} RefusalDetails
 * @property {string} [place] the disk or file that is meant
 * @property {string} [expected]
 * @property {string} [received]
 * @property {string} [remedy] what the person can do
 * @property {unknown} [cause]
 */

/** Nothing was written, unless the code is one of `FLASH_WRITE`, `FLASH_VERIFY`, `FLASH_STOPPED`. */
export class FlashRefusal extends Error {
  /**
   * @param {string} code upper snake case, stable
   * @param {string} message
   * @param {RefusalDetails} [details]
   */
  constructor(code, message, details = {}) {
    super(message, { cause: details.cause });
    this.name = 'FlashRefusal';
    this.code = code;
    this.details = details;
  }

  /** Message, place, expectation, remedy, code: as the program itself says its errors. */
  describe() {
    const { place, expected, received, remedy } = this.details;
    const difference = [expected && `expected ${expected}`, received && `received ${received}`]
      .filter(Boolean)
      .join(', ');
    const fault = `${this.message}${place ? ` (${place})` : ''}${difference && `: ${difference}`}`;
    return `${visible(`${fault}${remedy ? `. To mend it: ${remedy}` : ''}`)} [${this.code}]`;
  }
}

/**
 * Text from outside, such as the name that a disk gives itself, with what a terminal would obey written out.
 * @param {string} text
 */
export function visible(text) {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

/** @param {unknown} error @returns {string | undefined} such as `ENOENT` */
export function systemCodeOf(error) {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** @param {unknown} error */
export function reasonOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/** @param {number} bytes */
export function sizeWords(bytes) {
  if (bytes < 1e6) return `${bytes} bytes`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
