import { once } from 'node:events';
import { z } from 'zod';
import { UsageError } from '../../../errors.ts';
import { readJsonFile } from '../../../json-file.ts';
import {
  addBillOfMaterials,
  addRelease,
  checkedRelease,
  describeRelease,
} from '../../../release/add-release.ts';
import { ROTATED, rotate as rotateKeys, setDelegation } from '../../../release/change-keys.ts';
import { initialise, openQuorums } from '../../../release/drafts.ts';
import { serve as serveFolder } from '../../../release/serve.ts';
import { Workspace } from '../../../release/workspace.ts';
import { note, print, printJson } from '../../../ui/terminal/console.ts';
import { type Release, roleOfChannel, roleOfSite } from '../../../updates/release.ts';
import { parseOptions } from '../../shared/options.ts';
import { describingSchema, placeSchema, signingSchema } from '../options.ts';
import { wordsOf } from './publication.ts';
import { openSigners, openThoseThatOpen, publicKeys } from './signers.ts';
import { report } from './text.ts';

const threshold = z.coerce.number().int().min(1);
const files = z.array(z.string()).min(1);

const initSchema = signingSchema.extend({
  rootKey: files,
  releaseKey: files,
  onlineKey: files,
  threshold: threshold.default(1),
});

export async function init(folder: string, raw: unknown): Promise<void> {
  const options = parseOptions(initSchema, raw);
  const { rootKey, releaseKey, onlineKey, passphraseFile } = options;
  const [root, release, online] = await Promise.all([rootKey, releaseKey, onlineKey].map(publicKeys));
  const signers = await openThoseThatOpen([...rootKey, ...releaseKey], passphraseFile);
  const workspace = Workspace.create(folder);
  await initialise(
    workspace,
    {
      root: { keys: root, threshold: options.threshold },
      release: { keys: release, threshold: 1 },
      online: { keys: online, threshold: 1 },
      now: Date.now(),
    },
    signers,
  );
  report(workspace, options.json, { repository: folder });
}

/** Which role releases, and where: exactly one of channel and site. @throws UsageError `RELEASE_PLACE` */
function placeOf({ channel, site }: z.infer<typeof placeSchema>) {
  if (channel !== undefined && site === undefined) return roleOfChannel(channel);
  if (site !== undefined && channel === undefined) return roleOfSite(site);
  throw new UsageError('RELEASE_PLACE', 'It must be said who releases it', {
    expected: 'either --channel or --site',
    received: site === undefined ? 'neither' : 'both',
  });
}

const addSchema = signingSchema.extend({
  ...placeSchema.shape,
  ...describingSchema.shape,
  release: z.string().optional(),
  sbom: z.string().optional(),
});

export async function add(folder: string, file: string, raw: unknown): Promise<void> {
  const options = parseOptions(addSchema, raw);
  const place = placeOf(options);
  const workspace = Workspace.open(folder);
  const release =
    options.release === undefined
      ? await describeRelease(file, wordsOf(options))
      : await readDescription(options.release);
  const signers = await openSigners(options.key, options.passphraseFile);
  const added = await addRelease(workspace, { file, ...place, release, now: Date.now() }, signers);
  const { target, length, sha256 } = added;
  const bill =
    options.sbom === undefined
      ? null
      : await addBillOfMaterials(
          workspace,
          { file: options.sbom, ...place, release, now: Date.now(), of: target },
          signers,
        );
  report(workspace, options.json, {
    ...{ target, length, sha256, role: place.role },
    ...(bill !== null && { sbom: bill.target }),
  });
}

/** @throws RefusedError `RELEASE_DESCRIPTION` */
async function readDescription(file: string): Promise<Release> {
  const refusal = (field: string, received: string) =>
    new UsageError('RELEASE_UNREADABLE', 'The description of the release cannot be read', {
      file,
      field,
      received,
    });
  return checkedRelease(file, await readJsonFile(file, z.unknown(), refusal));
}

const delegateSchema = signingSchema.extend({
  ...placeSchema.shape,
  to: files,
  threshold: threshold.default(1),
});

export async function delegate(folder: string, raw: unknown): Promise<void> {
  const options = parseOptions(delegateSchema, raw);
  const workspace = Workspace.open(folder);
  const signers = await openSigners(options.key, options.passphraseFile);
  const place = placeOf(options);
  const keys = await publicKeys(options.to);
  await setDelegation(workspace, { ...place, keys, threshold: options.threshold, now: Date.now() }, signers);
  report(workspace, options.json, { role: place.role, keys: keys.map(({ keyID }) => keyID) });
}

const rotateSchema = signingSchema.extend({
  role: z.enum(ROTATED),
  add: z.array(z.string()).default([]),
  remove: z.array(z.string()).default([]),
  threshold: threshold.optional(),
});

export async function rotate(folder: string, raw: unknown): Promise<void> {
  const options = parseOptions(rotateSchema, raw);
  const { role, remove } = options;
  const workspace = Workspace.open(folder);
  const signers = await openSigners(options.key, options.passphraseFile);
  const add = await publicKeys(options.add);
  await rotateKeys(
    workspace,
    { role, add, remove, threshold: options.threshold ?? null, now: Date.now() },
    signers,
  );
  report(workspace, options.json, { role });
}

const serveSchema = z.object({
  host: z.string().default('127.0.0.1'),
  port: z.coerce.number().int().min(0).max(65_535).default(8080),
  json: z.boolean().default(false),
});

export async function serve(folder: string, raw: unknown): Promise<void> {
  const { host, port, json } = parseOptions(serveSchema, raw);
  const workspace = Workspace.open(folder);
  if (openQuorums(workspace).length > 0 || workspace.drafts().length > 0)
    note('there are drafts that are not published');
  const server = await serveFolder(workspace, { host, port });
  const bound = server.address();
  const address = `http://${host}:${typeof bound === 'object' && bound !== null ? bound.port : port}/`;
  if (json) printJson({ address });
  else print(address);
  const ended = ['SIGINT', 'SIGTERM'].map((signal) => once(process, signal));
  await Promise.race(ended);
  server.closeAllConnections();
  server.close();
}
