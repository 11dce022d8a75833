#!/usr/bin/env node
/**
 * Starts the application that is installed on this device, else the one beside this file. It takes the same words as
 * `spikescope`. With `run` it begins what waits for a start, counts starts on trial before anything of the application is
 * loaded, and goes back to what served before after two that failed in a row: a broken application could not do it itself.
 *
 * Node's own modules alone, and nothing of an application is imported before it is started. The application runs in this
 * very process: signals, exit code, watchdog and the supervisor's socket are its own.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const PROGRAM = 'bin/spikescope.mjs';
/** A slot without it was not written to its end. */
const MARKER = '.spikescope-tree';
const FAILED_STARTS = 2;
const REMEMBERED = 32;
const SLOTS = ['a', 'b'];
const FACTORY = new URL('spikescope.mjs', import.meta.url);

/**
 * What is installed of the application, as far as a start needs it; src/updates/install/state.ts has it whole.
 * @typedef {{ hash: string, version: string, refused: string | null, confirmedAt: string | null }} Occupant
 * @typedef {{ slot: string, previous: string | null, starts: number, captures: number, since: string }} Trial
 * @typedef {object} Application
 * @property {string | null} active null for what came with the program
 * @property {Record<string, Occupant | null>} slots
 * @property {string | null} pending
 * @property {Trial | null} trial
 * @property {{ hash: string, reason: string }[]} refusals
 *
 * @typedef {{ revision: number, application: Application }} State
 */

/** @param {string} text */
function say(text) {
  process.stderr.write(`spikescope-launch: ${text}\n`);
}

/**
 * As `--data` says, else as the environment does; a data folder that a configuration names is not seen from here.
 * @param {readonly string[]} args
 */
export function dataFolder(args, environment = process.env) {
  const at = args.findIndex((word) => word === '--data' || word.startsWith('--data='));
  if (at >= 0) {
    const given = args[at].startsWith('--data=') ? args[at].slice('--data='.length) : args[at + 1];
    if (given) return path.resolve(given);
  }
  const state = environment.XDG_STATE_HOME;
  const base = state && path.isAbsolute(state) ? state : path.join(homedir(), '.local/state');
  return path.join(base, 'spikescope');
}

/** @param {string} data */
const stateFile = (data) => path.join(data, 'updates/installed.json');
/** @param {string} data @param {string} slot */
const slotFolder = (data, slot) => path.join(data, 'updates/slots', `application-${slot}`);

/**
 * What is installed; null where there is nothing that can be relied on.
 * @param {string} data
 * @returns {State | null}
 */
export function readState(data) {
  try {
    const { sha256, content } = JSON.parse(readFileSync(stateFile(data), 'utf8'));
    if (typeof content !== 'string' || digestOf(content) !== sha256) return null;
    const state = JSON.parse(content);
    return state.schema === 'spikescope/installed/1' && isSound(state.application) ? state : null;
  } catch {
    return null;
  }
}

/** @param {Application} application */
function isSound({ active, slots, pending, trial, refusals }) {
  const isUsable = (/** @type {string | null} */ slot) =>
    slot === null || (SLOTS.includes(slot) && slots[slot]?.refused === null);
  const isTrialSound =
    trial === null ||
    (trial.slot === active && trial.previous !== active && isUsable(trial.previous) && trial.starts >= 0);
  const isPendingSound = pending === null || (pending !== active && trial === null);
  return isUsable(active) && isUsable(pending) && isPendingSound && isTrialSound && Array.isArray(refusals);
}

/** @param {string} text */
function digestOf(text) {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Changes what is installed of the application; on the medium when it returns. What another process changed between is left.
 * @param {string} data
 * @param {State} before
 * @param {Application} application
 * @returns {State | null} the state after, null where it could not be kept
 */
export function keep(data, before, application) {
  const file = stateFile(data);
  const fresh = `${file}.launch.tmp`;
  const state = { ...before, revision: before.revision + 1, application };
  const content = JSON.stringify(state);
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    writeFlushed(fresh, JSON.stringify({ sha256: digestOf(content), content }));
    if (readState(data)?.revision !== before.revision)
      throw new Error('another process changed it meanwhile');
    renameSync(fresh, file);
    flushFolder(path.dirname(file));
    return state;
  } catch (error) {
    removeIfThere(fresh);
    say(`what is installed cannot be kept: ${error instanceof Error ? error.message : error}`);
    return null;
  }
}

/** @param {string} file */
function removeIfThere(file) {
  try {
    rmSync(file, { force: true });
  } catch {
    // Whatever lies there, a start goes on.
  }
}

/** @param {string} file @param {string} content */
function writeFlushed(file, content) {
  const handle = openSync(file, 'w', 0o600);
  try {
    const bytes = Buffer.from(content);
    for (let done = 0; done < bytes.length; ) done += writeSync(handle, bytes, done);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** @param {string} folder */
function flushFolder(folder) {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/**
 * What waits is in use from now on, on trial.
 * @param {Application} application
 * @param {string} since
 * @returns {Application}
 */
export function activated(application, since) {
  const { active: previous, pending: slot } = application;
  if (slot === null) return application;
  const trial = { slot, previous, starts: 0, captures: 0, since };
  return { ...application, active: slot, pending: null, trial };
}

/**
 * What is in use is not to be used any more: what served before does.
 * @param {Application} application
 * @param {string} reason
 * @returns {Application}
 */
export function fallenBack(application, reason) {
  const { active, slots, refusals } = application;
  const occupant = active === null ? null : slots[active];
  if (active === null || occupant === null) return application;
  const { hash } = occupant;
  const others = refusals.filter((each) => each.hash !== hash);
  return {
    ...application,
    active: predecessor(application),
    trial: null,
    slots: { ...slots, [active]: { ...occupant, refused: reason } },
    refusals: [...others, { hash, reason }].slice(-REMEMBERED),
  };
}

/**
 * The content of the slot in use is not what was written there: the medium's fault, and not the release's.
 * @param {Application} application
 * @returns {Application}
 */
export function damaged(application) {
  const { active, slots } = application;
  if (active === null) return application;
  return {
    ...application,
    active: predecessor(application),
    trial: null,
    slots: { ...slots, [active]: null },
  };
}

/**
 * What served before, as long as it is good.
 * @param {Application} application
 * @returns {string | null}
 */
function predecessor({ active, slots, pending, trial }) {
  if (trial !== null) return trial.previous;
  if (active === null) return null;
  const other = active === 'a' ? 'b' : 'a';
  const occupant = slots[other];
  if (occupant === null || pending === other) return null;
  return occupant.refused === null && occupant.confirmedAt !== null ? other : null;
}

/** @param {Application} application @param {number} starts */
function withStarts(application, starts) {
  return { ...application, trial: application.trial && { ...application.trial, starts } };
}

/** @param {string} data @param {string} slot */
function isThere(data, slot) {
  return [PROGRAM, MARKER].every((name) =>
    statSync(path.join(slotFolder(data, slot), name), { throwIfNoEntry: false })?.isFile(),
  );
}

/**
 * Which slot this start uses, null for what came with the program; what is decided is kept first. A trial that cannot be
 * counted is none: what served before serves.
 * @param {string} data
 * @param {{ counts: boolean }} start whether it is one of the appliance
 * @returns {string | null}
 */
export function chooseSlot(data, { counts }) {
  const state = readState(data);
  if (state === null) return null;
  /** @type {((data: string, application: Application) => Application | null)[]} */
  const steps = counts ? [giveUpFailed, activate, giveUpMissing, countStart] : [];
  let current = state;
  for (const step of steps) {
    const next = step(data, current.application);
    if (next === null) continue;
    const kept = keep(data, current, next);
    if (kept === null) return usable(data, predecessorOf(current.application));
    current = kept;
  }
  return usable(data, current.application.active);
}

/** @param {Application} application */
function predecessorOf(application) {
  return application.trial === null ? application.active : application.trial.previous;
}

/** @param {string} data @param {string | null} slot */
function usable(data, slot) {
  return slot !== null && isThere(data, slot) ? slot : null;
}

/** @param {string} _data @param {Application} application */
function giveUpFailed(_data, application) {
  const { trial } = application;
  if (trial === null || trial.starts < FAILED_STARTS) return null;
  say(`${trial.starts} starts of the application failed; what was before it is in use`);
  return fallenBack(application, `${trial.starts} starts in a row failed`);
}

/** @param {string} data @param {Application} application */
function activate(data, application) {
  const { pending, trial } = application;
  if (pending === null || trial !== null || !isThere(data, pending)) return null;
  say(`application ${application.slots[pending]?.version} is in use from now on, on trial`);
  return activated(application, new Date().toISOString());
}

/** @param {string} data @param {Application} application */
function giveUpMissing(data, application) {
  const { active } = application;
  if (active === null || isThere(data, active)) return null;
  say('the application in use is not whole; what was before it is in use');
  return damaged(application);
}

/** @param {string} _data @param {Application} application */
function countStart(_data, application) {
  return application.trial === null ? null : withStarts(application, application.trial.starts + 1);
}

/** An end in order breaks a row of failed starts. @param {string} data @param {string} slot */
function startEnded(data, slot) {
  const state = readState(data);
  const trial = state?.application.trial ?? null;
  if (state === null || trial === null || trial.slot !== slot || trial.starts === 0) return;
  keep(data, state, withStarts(state.application, 0));
}

/** Whatever is wrong with what is installed, something starts. @param {string} data @param {boolean} counts */
function slotOf(data, counts) {
  try {
    return chooseSlot(data, { counts });
  } catch (error) {
    say(`what is installed cannot be used: ${error instanceof Error ? error.message : error}`);
    return null;
  }
}

/** @param {string[]} args */
async function launch(args) {
  const data = dataFolder(args);
  const counts = args[0] === 'run';
  const slot = slotOf(data, counts);
  const program = slot === null ? FACTORY : pathToFileURL(path.join(slotFolder(data, slot), PROGRAM));
  // The application knows by it that its start is counted.
  process.env.SPIKESCOPE_SLOT = slot ?? 'factory';
  if (slot !== null && counts) {
    process.once('exit', (code) => {
      if (code === 0) startEnded(data, slot);
    });
  }
  await import(program.href);
}

const isStarted = realpathSync(process.argv[1] ?? '.') === fileURLToPath(import.meta.url);
if (isStarted) await launch(process.argv.slice(2));
