import { Command } from 'commander';
import { z } from 'zod';
import { print, printJson } from '../../ui/terminal/console.ts';
import type { Offer } from '../../updates/offers.ts';
import type { Source } from '../../updates/source/source.ts';
import type { Outcome, Repository } from '../../updates/updates.ts';
import { parseOptions } from '../shared/options.ts';
import { deviceFacts } from './device-facts.ts';
import {
  channelsOf,
  type DeviceOptions,
  deviceSchema,
  withDeviceOptions,
  withUpdates,
} from './device-options.ts';

const optionsSchema = deviceSchema.extend({ target: z.array(z.string()).default([]) });
type VerifyOptions = z.infer<typeof optionsSchema>;

export function verifyCommand(): Command {
  const command = new Command('verify')
    .description('Verify a repository as this device trusts it, and list what it has for it')
    .option('--target <names...>', 'releases whose bytes are verified (default: of a folder all that fit)');
  return withDeviceOptions(command).action(async (raw: unknown) => {
    const options = parseOptions(optionsSchema, raw);
    const outcome = await withUpdates(options, (updates, source) =>
      updates.use(source, (repository) => look(repository, source, options), {
        acceptExpired: options.acceptExpired ?? null,
      }),
    );
    if (options.json) printJson(documentOf(options, outcome));
    else for (const line of textOf(outcome)) print(line);
  });
}

interface Look {
  readonly repository: Repository;
  readonly offers: readonly Offer[];
  /** Names of targets whose bytes were held to what is signed. */
  readonly verified: ReadonlySet<string>;
}

async function look(repository: Repository, source: Source, options: VerifyOptions): Promise<Look> {
  const device = await deviceFacts();
  const subscription = { channels: channelsOf(options), site: options.site ?? null, device };
  const offers = await repository.offers(subscription);
  const fitting = offers.filter(({ misfits }) => misfits.length === 0).map(({ target }) => target);
  const named = await Promise.all(options.target.map((name) => repository.target(name)));
  const wanted = named.length === 0 && source.kind === 'folder' ? fitting : named;
  for (const target of wanted) await repository.verify(target);
  return { repository, offers, verified: new Set(wanted.map(({ name }) => name)) };
}

function documentOf({ from }: DeviceOptions, outcome: Outcome<Look>): unknown {
  if (outcome.outcome === 'older') return { source: from, ...outcome };
  const { repository, offers, verified } = outcome.result;
  return {
    source: from,
    outcome: outcome.outcome,
    versions: repository.versions,
    time: repository.time.toISOString(),
    override: repository.override(),
    verified: [...verified],
    releases: offers.map(({ target, role, release, misfits }) => ({
      target: target.name,
      role,
      length: target.length,
      hashes: Object.fromEntries(target.hashes),
      release,
      misfits,
      verified: verified.has(target.name),
    })),
  };
}

function textOf(outcome: Outcome<Look>): string[] {
  if (outcome.outcome === 'older') {
    return [
      `older than this device: it has ${outcome.received}, here is ${outcome.expected}; nothing was taken`,
    ];
  }
  const { repository, offers, verified } = outcome.result;
  const override = repository.override();
  const versions = Object.entries(repository.versions).map(([role, version]) => `${role} ${version}`);
  return [
    `trusted: ${versions.join(', ')}`,
    ...(override === null
      ? []
      : [`expired, and taken on record: ${override.expired.map(({ role }) => role).join(', ')}`]),
    ...(offers.length === 0
      ? ['no release for this device']
      : offers.flatMap((offer) => offerText(offer, verified))),
    ...[...verified]
      .filter((name) => !offers.some(({ target }) => target.name === name))
      .map((name) => `${name}: whole`),
  ];
}

function offerText({ target, release, misfits }: Offer, verified: ReadonlySet<string>): string[] {
  const state = misfits.length > 0 ? 'not for this device' : verified.has(target.name) ? 'whole' : 'not read';
  const change = release?.change ? `, change ${release.change}` : '';
  return [
    `${target.name}: ${state}, ${target.length} bytes${change}`,
    ...misfits.map((reason) => `  ${reason}`),
  ];
}
