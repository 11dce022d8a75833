import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { RefusedError, reasonOf } from '../../errors.ts';
import { compare, type Installation, type InstalledPackage } from './production-packages.ts';

/** A file of the application. */
export interface ApplicationFile {
  /** In the tree, with `/` between. */
  readonly name: string;
  /** Where it is read. */
  readonly source: string;
  readonly isExecutable: boolean;
}

/** Such as `linux-arm64`, as Node names the two. */
export type Platform = `linux-${'x64' | 'arm64'}`;

const ADDON = 'spikescope.napi.glibc.node';
const LOCAL_ADDON = 'native/akida-m2/build/Release/spikescope.node';

/**
 * All files of a program on one platform, by name: those of its npm package and those that its packages need when they run.
 * @throws RefusedError `APPLICATION_INCOMPLETE`
 */
export async function applicationFiles(
  { program, packages }: Installation,
  platform: Platform,
): Promise<ApplicationFile[]> {
  const own = (await packedNames(program.folder)).filter((name) => isForPlatform(name, platform));
  const found = [
    ...(await Promise.all(own.map((name) => fileOf(name, path.join(program.folder, name))))),
    ...(await addonOf(program, own, platform)),
    ...(await Promise.all(packages.slice(1).map(filesOf))).flat(),
  ];
  return found.sort((one, other) => compare(one.name, other.name));
}

const packSchema = z.union([
  z.array(z.object({ files: z.array(z.object({ path: z.string() })) })).length(1),
  z.record(z.string(), z.object({ files: z.array(z.object({ path: z.string() })) })),
]);

/** What `npm pack` takes of a folder. */
async function packedNames(folder: string): Promise<string[]> {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  try {
    const { stdout } = await promisify(execFile)('npm', args, { cwd: folder, maxBuffer: 2 ** 26 });
    return Object.values(packSchema.parse(JSON.parse(stdout))).flatMap(({ files }) =>
      files.map((file) => file.path),
    );
  } catch (cause) {
    throw new RefusedError('APPLICATION_INCOMPLETE', 'npm does not say what belongs to the package', {
      file: folder,
      received: reasonOf(cause),
      remedy: 'install npm',
      cause,
    });
  }
}

/** Prebuilt addons of other platforms stay behind. */
function isForPlatform(name: string, platform: Platform): boolean {
  return !name.startsWith('prebuilds/') || name.startsWith(`prebuilds/${platform}/`);
}

/** The program's addon, where the npm package brings none for the platform: as it was built here. */
async function addonOf(
  program: InstalledPackage,
  own: readonly string[],
  platform: Platform,
): Promise<ApplicationFile[]> {
  const name = `prebuilds/${platform}/${ADDON}`;
  if (own.includes(name)) return [];
  const local = path.join(program.folder, LOCAL_ADDON);
  const isOurs = platform === `${process.platform}-${process.arch}`;
  if (isOurs && existsSync(local)) return [await fileOf(name, local)];
  throw new RefusedError('APPLICATION_INCOMPLETE', 'There is no addon of the program for this platform', {
    file: path.join(program.folder, name),
    expected: `an addon for ${platform}`,
    remedy: '`npm run prebuilds`; for arm64 that needs the cross compiler',
  });
}

/** What a package is tried, built and read with, and not run. Its licence always comes along. */
const NOT_RUN: readonly RegExp[] = [
  /(^|\/)(test|tests|__tests__|example|examples|benchmark|benchmarks|docs|\.github|man)\//i,
  /\.(map|d\.[cm]?ts|[cm]?ts|tsx|c|cc|cpp|cxx|h|hpp|o|a|d|mk|gyp|gypi|md|markdown|flow|sh|bat|yml|tgz|txt)$/i,
  /(^|\/)(Makefile|\.[^/]*|tsconfig[^/]*\.json)$/,
];
const LICENCE = /(^|\/)(licen[cs]e|copying|notice|third[-_]party[^/]*)[^/]*$/i;
/** Of what was built in place, the addon alone: all else names folders of the machine that built it. */
const BUILT = /^(build|deps|src)\//;
const BUILT_ADDON = /^build\/Release\/[^/]+\.node$/;

export function isRun(name: string, isNative: boolean): boolean {
  if (isNative && BUILT.test(name)) return BUILT_ADDON.test(name);
  return LICENCE.test(name) || !NOT_RUN.some((pattern) => pattern.test(name));
}

async function filesOf({ folder, place }: InstalledPackage): Promise<ApplicationFile[]> {
  const isNative = existsSync(path.join(folder, 'binding.gyp'));
  const names = (await namesBelow(folder, '')).filter((name) => isRun(name, isNative));
  return Promise.all(names.map((name) => fileOf(`${place}/${name}`, path.join(folder, name))));
}

/** Packages inside a package are packages of their own. */
async function namesBelow(folder: string, below: string): Promise<string[]> {
  const entries = await readdir(path.join(folder, below), { withFileTypes: true });
  const names = await Promise.all(
    entries
      .filter(({ name }) => name !== 'node_modules')
      .map(async (entry) => {
        const name = below === '' ? entry.name : `${below}/${entry.name}`;
        if (entry.isDirectory()) return namesBelow(folder, name);
        return entry.isFile() ? [name] : [];
      }),
  );
  return names.flat();
}

async function fileOf(name: string, source: string): Promise<ApplicationFile> {
  const { mode } = await stat(source);
  return { name, source, isExecutable: (mode & 0o111) !== 0 };
}
