/** What the device tells of its updates, on the topic `update`: whoever stands beside a real one has no other way. */

/**
 * @typedef {{ version: string, reason?: string }} Release
 *
 * @typedef {{ active: Release | null, pending: Release | null, trial: boolean, refused: readonly Release[] }} Books
 *
 * @typedef {{ id: string, stage: string, done: number, of: number, outcome: string | null, code: string | null,
 *   message: string | null }} Operation
 *
 * @typedef {{ operation: Operation | null, installed: { system?: Books } | null }} Update
 */

export class UpdateTopic {
  /** @type {Update | null} */
  last = null;
  /**
   * Of the operation that is told of: when each stage was first heard of.
   * @type {{ id: string, at: Map<string, number> }}
   */
  #stages = { id: '', at: new Map() };

  /** @param {import('mqtt').MqttClient} client @param {string} device as topics name it */
  constructor(client, device) {
    const topic = `spikescope/${device}/update`;
    client.on('message', (name, payload) => {
      if (name === topic && payload.length > 0) this.#hear(JSON.parse(payload.toString()));
    });
  }

  /** @param {Update} update */
  #hear(update) {
    this.last = update;
    const { operation } = update;
    if (operation === null) return;
    const { id, stage, outcome } = operation;
    if (this.#stages.id !== id) this.#stages = { id, at: new Map() };
    const name = outcome === null ? stage : 'end';
    if (!this.#stages.at.has(name)) this.#stages.at.set(name, performance.now());
  }

  /** Seconds that each stage of the operation has taken, as heard at this end. @returns {Record<string, number>} */
  get stages() {
    const at = [...this.#stages.at];
    return Object.fromEntries(
      at.slice(0, -1).map(([name, from], i) => [name, Math.round((at[i + 1][1] - from) / 100) / 10]),
    );
  }

  get operation() {
    return this.last?.operation ?? null;
  }

  /** Whether the slot of a version is written, or looked at, or waits already. @param {string} version */
  isWriting(version) {
    const { stage = '', outcome = null } = this.operation ?? {};
    return this.isTaken(version) || (outcome === null && ['write', 'prove', 'activate'].includes(stage));
  }

  /** Whether a version of the system is proven and waits for a start. @param {string} version */
  isPending(version) {
    return this.last?.installed?.system?.pending?.version === version;
  }

  /**
   * Whether it waits, or is tried already: after ten minutes without a capture the device starts it by itself.
   * @param {string} version
   */
  isTaken(version) {
    return this.isPending(version) || this.last?.installed?.system?.active?.version === version;
  }

  /**
   * What has become of a version of the system; null as long as that is open.
   * @param {string} version @returns {{ refused: string | null } | null} why it was given up, or null where it serves
   */
  endOf(version) {
    const system = this.last?.installed?.system;
    if (system === undefined || system.trial || system.pending !== null) return null;
    const given = system.refused.find((each) => each.version === version);
    if (given !== undefined) return { refused: given.reason ?? 'without a reason' };
    return system.active?.version === version ? { refused: null } : null;
  }

  /** For a person. */
  get words() {
    const { operation } = this;
    if (operation === null) return 'no update yet';
    const { stage, done, of, outcome } = operation;
    return outcome ?? `${stage}${of > 0 ? ` ${Math.floor((100 * done) / of)} %` : ''}`;
  }
}
