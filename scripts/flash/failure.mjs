/** What the programs of this folder refuse or fail at, in words for the person at the workstation. */

/**
 * @typedef {object} FailureDetails
 * @property {string} [place] the disk, file or package that is meant
 * @property {string} [expected]
 * @property {string} [received]
 * @property {string} [remedy] what the person can do
 * @property {unknown} [cause]
 */

export class Failure extends Error {
  /**
   * @param {string} code upper snake case, stable
   * @param {string} message
   * @param {FailureDetails} [details]
   */
  constructor(code, message, details = {}) {
    super(message, { cause: details.cause });
    this.name = new.target.name;
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
