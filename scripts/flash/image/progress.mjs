/** What the builder says while it works: the stage, and how long all will still take. */
import { say } from '../../support/programs.mjs';

/**
 * @typedef {object} Stage
 * @property {string} name for people
 * @property {number} weight how long it takes beside the others, in any unit
 */

/** @param {number} seconds */
export function timeWords(seconds) {
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

/**
 * The time that is left, from what has passed.
 * @param {number} elapsed seconds
 * @param {number} done weight
 * @param {number} total weight
 * @returns {number | null} seconds; null as long as nothing is done
 */
export function remaining(elapsed, done, total) {
  return done <= 0 ? null : (elapsed / done) * (total - done);
}

export class Progress {
  /** @param {readonly Stage[]} stages */
  constructor(stages) {
    this.stages = stages;
    this.total = stages.reduce((sum, { weight }) => sum + weight, 0);
    this.started = performance.now();
    this.index = -1;
    this.said = 0;
    /** Seconds by name of stage. @type {Record<string, number>} */
    this.times = {};
    this.stageStarted = this.started;
  }

  /** Seconds since the beginning. */
  get elapsed() {
    return (performance.now() - this.started) / 1000;
  }

  next() {
    this.#note();
    this.index++;
    this.stageStarted = performance.now();
    this.#say(0);
  }

  end() {
    this.#note();
  }

  #note() {
    const stage = this.stages[this.index];
    if (stage !== undefined)
      this.times[stage.name] = Math.round((performance.now() - this.stageStarted) / 100) / 10;
  }

  /** Within a stage; said every ten seconds at most. @param {number} done @param {number} of */
  step(done, of) {
    if (performance.now() - this.said > 10_000) this.#say(done / of);
  }

  /** @param {number} part of the stage, 0 to 1 */
  #say(part) {
    this.said = performance.now();
    const stage = this.stages[this.index];
    const before = this.stages.slice(0, this.index).reduce((sum, { weight }) => sum + weight, 0);
    const left = remaining(this.elapsed, before + part * stage.weight, this.total);
    const share = part > 0 ? ` ${Math.round(part * 100)} %` : '';
    const time = left === null ? '' : `, about ${timeWords(left)} left`;
    say(`[${this.index + 1}/${this.stages.length}] ${stage.name}${share}${time}`);
  }
}
