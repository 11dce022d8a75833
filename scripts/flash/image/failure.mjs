/** What the image builder refuses or fails at, in words for the person at the workstation. */

/**
 * @typedef {object} FailureDetails
 * @property {string} [place] the file or package that is meant
 * @property {string} [expected]
 * @property {string} [received]
 * @property {string} [remedy] what the person can do
 * @property {unknown} [cause]
 */

/** No image is left behind: a file of the name that was asked for appears only when it is whole. */
export class ImageFailure extends Error {
  /**
   * @param {string} code upper snake case, stable
   * @param {string} message
   * @param {FailureDetails} [details]
   */
  constructor(code, message, details = {}) {
    super(message, { cause: details.cause });
    this.name = 'ImageFailure';
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
    return `${fault}${remedy ? `. To mend it: ${remedy}` : ''} [${this.code}]`;
  }
}
