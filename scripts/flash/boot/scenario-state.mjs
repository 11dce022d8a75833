/**
 * What a scenario that takes hours has come to, in its folder: whoever starts it again there goes on behind the last step
 * that was done. Each step is a line of JSON on stdout.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import path from 'node:path';
import { remaining, timeWords } from '../image/progress.mjs';
import { BootFailure } from './failure.mjs';

const FORMAT = 1;

/**
 * @typedef {object} Kept
 * @property {number} format
 * @property {Readonly<Record<string, unknown>>} of what the steps are of; another run is none that goes on here
 * @property {Record<string, unknown>} values such as ports that the card has been told of
 * @property {Record<string, unknown>[]} steps
 */

export class ScenarioState {
  /** @type {Kept} */
  #kept;
  #started = performance.now();
  /** When the step under way was begun. */
  #stepStarted = performance.now();
  #doneBefore;
  #said = 0;

  /**
   * @param {string} folder
   * @param {{ of: Readonly<Record<string, unknown>>, total: number, say: (line: string) => void }} run
   * @throws {BootFailure} `BOOT_STATE` where the folder holds another run
   */
  constructor(folder, { of, total, say }) {
    this.folder = folder;
    this.total = total;
    this.say = say;
    mkdirSync(folder, { recursive: true });
    this.#kept = readKept(this.#file) ?? { format: FORMAT, of, values: {}, steps: [] };
    const [expected, received] = [of, this.#kept.of].map((each) => JSON.stringify(each));
    if (expected !== received) {
      throw new BootFailure('BOOT_STATE', 'The folder holds another run', {
        place: this.#file,
        ...{ expected, received, remedy: 'name another folder with --work, or remove this one' },
      });
    }
    this.#doneBefore = this.steps.length;
    if (this.steps.length > 0) say(`going on behind step ${this.steps.length} of ${total}`);
  }

  get #file() {
    return path.join(this.folder, 'state.json');
  }

  /** Those that are done. @returns {readonly Record<string, unknown>[]} */
  get steps() {
    return this.#kept.steps;
  }

  /**
   * A value that must be the same when it goes on. @template T @param {string} name
   * @param {() => T | Promise<T>} make for the first time @returns {Promise<T>}
   */
  async value(name, make) {
    const { values } = this.#kept;
    if (!(name in values)) {
      values[name] = await make();
      this.#write();
    }
    return /** @type {T} */ (values[name]);
  }

  /** A value in the place of the one before. @param {string} name @param {unknown} value */
  replace(name, value) {
    this.#kept.values[name] = value;
    this.#write();
  }

  /** Forgets the time in which no step was under way. */
  begin() {
    this.#stepStarted = performance.now();
  }

  /** @template {Record<string, unknown>} T @param {T} step @returns {T & { seconds: number }} */
  done(step) {
    const seconds = Math.round((performance.now() - this.#stepStarted) / 100) / 10;
    const whole = { step: this.steps.length + 1, ...step, seconds, load: Math.round(loadavg()[0] * 10) / 10 };
    this.#kept.steps.push(whole);
    this.#write();
    this.begin();
    process.stdout.write(`${JSON.stringify(whole)}\n`);
    return whole;
  }

  /** Where the step under way is, at once. @param {string} words */
  tell(words) {
    this.#said = performance.now();
    const elapsed = (performance.now() - this.#started) / 1000;
    const done = this.steps.length - this.#doneBefore;
    const left = remaining(elapsed, done, this.total - this.#doneBefore);
    const time = left === null ? '' : `, about ${timeWords(left)} left`;
    this.say(`[${this.steps.length + 1}/${this.total}] ${words}${time}`);
  }

  /** As `tell`, once in ten seconds at most. @param {string} words */
  tellNowAndThen(words) {
    if (performance.now() - this.#said > 10_000) this.tell(words);
  }

  #write() {
    writeFileSync(`${this.#file}.new`, `${JSON.stringify(this.#kept, null, 1)}\n`, { mode: 0o600 });
    renameSync(`${this.#file}.new`, this.#file);
  }
}

/** @param {string} file @returns {Kept | null} */
function readKept(file) {
  if (!existsSync(file)) return null;
  try {
    /** @type {Kept} */
    const kept = JSON.parse(readFileSync(file, 'utf8'));
    return kept.format === FORMAT ? kept : null;
  } catch {
    throw new BootFailure('BOOT_STATE', 'What a run has come to cannot be read', {
      place: file,
      remedy: 'remove its folder, and begin anew',
    });
  }
}

/** Of a file that is too large to be read for it. @param {string} file */
export function identityOf(file) {
  const { size, mtimeMs } = statSync(file);
  return `${path.resolve(file)}, ${size} bytes of ${new Date(mtimeMs).toISOString()}`;
}
