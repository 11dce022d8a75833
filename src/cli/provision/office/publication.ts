import { stat, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { describeRelease, type ReleaseWords } from '../../../release/add-release.ts';
import { buildApplication, readApplication } from '../../../release/application/application.ts';
import { copyTo } from '../../../release/copy.ts';
import { signDrafts } from '../../../release/drafts.ts';
import { inspectRepository } from '../../../release/inspect.ts';
import { publish as publishDrafts } from '../../../release/publish.ts';
import { Workspace } from '../../../release/workspace.ts';
import { print, printJson, startProgress } from '../../../ui/terminal/console.ts';
import { signedForm } from '../../../updates/release.ts';
import { parseOptions } from '../../shared/options.ts';
import { requireWritable } from '../../shared/output.ts';
import { describingSchema, signingSchema } from '../options.ts';
import { openSigners } from './signers.ts';
import { report, reportText } from './text.ts';

/** What the options say of a release. */
export function wordsOf(options: z.infer<typeof describingSchema>): ReleaseWords {
  const { kind, name = null, releaseVersion = null, hardware, card, from, before = null } = options;
  const { journal, notes, change, learning = null } = options;
  const { balancedAccuracy, triageSensitivity, latency } = options;
  const figures = Object.entries({ balancedAccuracy, triageSensitivity, latency });
  const asked = figures.filter(([, figure]) => figure !== undefined);
  return {
    ...{ kind, name, version: releaseVersion, hardware, cards: card, from, before, journal, notes, change },
    proof: asked.length === 0 ? null : Object.fromEntries(asked),
    learning,
  };
}

const buildSchema = describingSchema.extend({
  out: z.string().optional(),
  archive: z.string().optional(),
  json: z.boolean().default(false),
});

export async function build(file: string, raw: unknown): Promise<void> {
  const options = parseOptions(buildSchema, raw);
  if (options.kind === 'application' && (await isFolder(file))) return buildTree(file, options);
  await describe(file, options, wordsOf(options));
}

/** The archive of an application goes to where one is told to, else here; its description beside it. */
async function buildTree(folder: string, options: z.infer<typeof buildSchema>): Promise<void> {
  const application = await readApplication(folder);
  const { name, version, platform, files } = application;
  const archive = options.archive ?? `${name}-${version}.tar.br`;
  requireWritable(archive, '--archive');
  const progress = startProgress('files', files.length);
  try {
    await buildApplication(application, archive, () => progress.advance());
  } finally {
    progress.stop();
  }
  const words = wordsOf(options);
  const hardware = words.hardware.includes('any') ? [platform] : words.hardware;
  await describe(archive, options, {
    ...words,
    name: words.name ?? name,
    version: words.version ?? version,
    hardware,
  });
}

async function describe(
  file: string,
  { out = `${file}.release.json`, json }: z.infer<typeof buildSchema>,
  words: ReleaseWords,
): Promise<void> {
  const release = await describeRelease(file, words);
  requireWritable(out, '--out');
  await writeFile(out, `${JSON.stringify(signedForm(release), null, 2)}\n`);
  if (json) printJson({ file: out, of: file, release });
  else print(out);
}

const isFolder = (file: string) =>
  stat(file).then(
    (found) => found.isDirectory(),
    () => false,
  );

export async function sign(folder: string, raw: unknown): Promise<void> {
  const { key, passphraseFile, json } = parseOptions(signingSchema, raw);
  const workspace = Workspace.open(folder);
  await signDrafts(workspace, await openSigners(key, passphraseFile));
  report(workspace, json, {});
}

const publishSchema = signingSchema.extend({
  to: z.string().optional(),
  validDays: z.coerce.number().int().min(1).max(4_000).optional(),
});

export async function publish(folder: string, raw: unknown): Promise<void> {
  const { key, passphraseFile, json, to, validDays } = parseOptions(publishSchema, raw);
  const workspace = Workspace.open(folder);
  const signers = await openSigners(key, passphraseFile);
  const published = await publishDrafts(workspace, {
    signers,
    now: Date.now(),
    ...(validDays !== undefined && { validDays }),
  });
  const copied = to === undefined ? null : await copyTo(workspace, to);
  if (json) printJson({ ...published, copied });
  else {
    const versions = Object.entries(published.versions).map(([role, version]) => `${role} ${version}`);
    print(`published: ${versions.join(', ')}; good until ${published.expires}`);
    if (copied !== null) print(`${copied} files copied to ${to}`);
  }
}

export async function inspect(folder: string, raw: unknown): Promise<void> {
  const { json } = parseOptions(signingSchema, raw);
  const found = inspectRepository(Workspace.open(folder));
  if (json) printJson(found);
  else for (const line of reportText(found)) print(line);
}
