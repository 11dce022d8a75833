/** What the emulator's harness fails at, in words for the person at the workstation. */
export class BootFailure extends Error {
  /**
   * @param {string} code upper snake case, stable
   * @param {string} message
   * @param {{ place?: string, expected?: string, received?: string, remedy?: string }} [details]
   */
  constructor(code, message, details = {}) {
    super(message);
    this.name = 'BootFailure';
    this.code = code;
    this.details = details;
  }

  /** Message, place, expectation, remedy, code. */
  describe() {
    const { place, expected, received, remedy } = this.details;
    const difference = [expected && `expected ${expected}`, received && `received ${received}`]
      .filter(Boolean)
      .join(', ');
    const fault = `${this.message}${place ? ` (${place})` : ''}${difference && `: ${difference}`}`;
    return `${fault}${remedy ? `. To mend it: ${remedy}` : ''} [${this.code}]`;
  }
}
