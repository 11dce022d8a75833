import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { Command, Option } from 'commander';
import { z } from 'zod';
import { RefusedError } from '../../errors.ts';
import { defaultDataFolder, prepareDataFolder } from '../../store/folder.ts';
import { Journal } from '../../store/journal.ts';
import { ownDataFolder } from '../../store/owner.ts';
import { note, print, printJson } from '../../ui/terminal/console.ts';
import { Activation } from '../../updates/install/activation.ts';
import type { Slot } from '../../updates/install/contract.ts';
import { Installed } from '../../updates/install/installed.ts';
import {
  activeOf,
  factoryState,
  type InstalledState,
  type KindState,
  type Occupant,
} from '../../updates/install/state.ts';
import { lastInstallation } from '../../updates/records.ts';
import { RELEASE_KINDS } from '../../updates/release.ts';
import { committedSlot, DEVICE_PLACES, runningSlot } from '../../updates/system/places.ts';
import { beginSystemStart } from '../../updates/system/system-start.ts';
import { parseOptions } from '../shared/options.ts';
import { userOf } from './device-options.ts';
import { json } from './options.ts';

const placeSchema = z.object({ data: z.string().min(1).optional(), json: z.boolean().default(false) });
const rollbackSchema = placeSchema.extend({ kind: z.enum(RELEASE_KINDS).default('model') });

const dataOption = () =>
  new Option('--data <folder>', 'folder of the journal (default: $XDG_STATE_HOME/spikescope)');

export function activateCommand(): Command {
  return new Command('activate')
    .description(
      'Bring what waits into use while no appliance runs; the next start of `run` does it by itself',
    )
    .addOption(dataOption())
    .addOption(json())
    .action(async (raw: unknown) => {
      const options = parseOptions(placeSchema, raw);
      const activated = await withInstalled(options.data, async ({ data, installed }) => {
        const owner = ownDataFolder(data);
        try {
          return await activateAll(data, installed);
        } finally {
          owner.release();
        }
      });
      if (options.json) printJson({ outcome: 'activated', activated });
      else for (const each of activated) print(`${words(each)} ${activatedWords(each)}`);
    });
}

export function rollbackCommand(): Command {
  return new Command('rollback')
    .description(
      'Go one step back: to what was in use before, in the last resort to what came with the program',
    )
    .addOption(new Option('--kind <kind>', 'what goes back (default: model)').choices(RELEASE_KINDS))
    .addOption(dataOption())
    .addOption(json())
    .action(async (raw: unknown) => {
      const options = parseOptions(rollbackSchema, raw);
      const outcome = await withInstalled(options.data, ({ data, installed, by }) =>
        new Activation({ data, installed, kinds: [options.kind] }).rollback(options.kind, by),
      );
      if (options.json)
        printJson({ outcome: outcome.event, kind: options.kind, from: outcome.from, to: outcome.to });
      else {
        const done =
          outcome.event === 'withdrawn' ? 'does not wait any more' : 'goes out of use with the next start';
        print(`${words(outcome.from)} ${done}; ${words(outcome.to)} serves`);
      }
    });
}

export function statusCommand(): Command {
  return new Command('status')
    .description('Say what is installed, what waits and what is on trial')
    .addOption(dataOption())
    .addOption(json())
    .action(async (raw: unknown) => {
      const options = parseOptions(placeSchema, raw);
      const data = path.resolve(options.data ?? defaultDataFolder());
      const { state, last } = existsSync(path.join(data, 'journal.sqlite'))
        ? await withInstalled(data, async ({ installed, journal }) => ({
            state: (await installed.read()).state,
            last: lastInstallation(journal),
          }))
        : { state: factoryState(), last: null };
      const slots = { running: runningSlot(DEVICE_PLACES), committed: await committedSlot(DEVICE_PLACES) };
      if (options.json) printJson({ data, ...documentOf(state), systemSlots: slots, last });
      else for (const line of [...linesOf(state), ...slotLines(slots)]) print(line);
    });
}

/** A system comes into use by a restart, which others have the right to. */
async function activateAll(data: string, installed: Installed): Promise<Occupant[]> {
  const { pending, slots } = (await installed.read()).state.system;
  const system = pending === null ? null : slots[pending];
  if (system !== null) await beginSystemStart({ data, installed, places: DEVICE_PLACES, say: note });
  const others = new Activation({
    data,
    installed,
    kinds: RELEASE_KINDS.filter((kind) => kind !== 'system'),
  });
  try {
    return [...(system === null ? [] : [system]), ...(await others.activate())];
  } catch (error) {
    const isAlone = error instanceof RefusedError && error.code === 'ACTIVATE_NOTHING' && system !== null;
    if (isAlone) return [system];
    throw error;
  }
}

function activatedWords({ kind }: Occupant): string {
  return kind === 'system'
    ? 'is started on trial with a restart, which was asked for'
    : 'is in use from the next start on, on trial';
}

interface Work {
  readonly data: string;
  readonly journal: Journal;
  readonly installed: Installed;
  readonly by: string;
}

async function withInstalled<T>(folder: string | undefined, work: (work: Work) => Promise<T>): Promise<T> {
  const data = path.resolve(folder ?? defaultDataFolder());
  prepareDataFolder(data);
  const journal = Journal.open(path.join(data, 'journal.sqlite'));
  try {
    const by = userOf();
    const operation = { id: randomUUID(), source: 'command line', by };
    return await work({ data, journal, installed: new Installed({ data, journal, operation }), by });
  } finally {
    journal.close();
  }
}

function documentOf(state: InstalledState): Record<string, unknown> {
  const kinds = RELEASE_KINDS.map((kind) => [kind, kindDocument(state[kind])]);
  return { revision: state.revision, ...Object.fromEntries(kinds) };
}

/** Nothing on a device without slots for its system. */
function slotLines({ running, committed }: { running: Slot | null; committed: Slot | null }): string[] {
  if (running === null) return [];
  const next = committed === null ? 'autoboot.txt cannot be read' : `starts take slot ${committed}`;
  return [`system runs from slot ${running}; ${next}`];
}

function kindDocument({ active, pending, trial, slots, confirmed, refusals }: KindState) {
  const occupantOf = (slot: 'a' | 'b' | null) => (slot === null ? null : slots[slot]);
  return {
    active: occupantOf(active),
    pending: occupantOf(pending),
    trial,
    slots,
    confirmed,
    refusals,
  };
}

function linesOf(state: InstalledState): string[] {
  return RELEASE_KINDS.flatMap((kind) => {
    const { pending, slots, trial } = state[kind];
    const onTrial =
      trial === null
        ? ''
        : `, on trial: ${trial.starts} starts that did not end yet or failed, ${trial.captures} good captures`;
    const waiting = pending === null ? [] : [`  waits for a start: ${words(slots[pending])}`];
    const refused = Object.values(slots).filter((each) => each !== null && each.refused !== null);
    return [
      `${kind}: ${words(activeOf(state[kind]))}${onTrial}`,
      ...waiting,
      ...refused.map((each) => `  refused: ${words(each)}: ${each?.refused}`),
    ];
  });
}

function words(occupant: Occupant | null): string {
  if (occupant === null) return 'what came with the program';
  return `${occupant.name} ${occupant.version} (${occupant.hash.slice(0, 12)})`;
}
