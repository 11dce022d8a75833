import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { RefusedError, reasonOf } from '../../errors.ts';

const person = z.union([z.string(), z.looseObject({ name: z.string().optional() })]);
const dependencies = z.record(z.string(), z.string()).default({});

/** What a package says of itself, as far as a release needs it. */
const manifestSchema = z.looseObject({
  name: z.string().min(1),
  version: z.string().min(1),
  description: z.string().optional(),
  license: z.unknown().optional(),
  licenses: z.unknown().optional(),
  author: person.optional(),
  maintainers: z.array(person).optional(),
  contributors: z.union([z.array(person), person]).optional(),
  repository: z.union([z.string(), z.looseObject({ url: z.string().optional() })]).optional(),
  homepage: z.string().optional(),
  dependencies,
  optionalDependencies: dependencies,
  peerDependencies: dependencies,
  peerDependenciesMeta: z.record(z.string(), z.looseObject({ optional: z.boolean().optional() })).default({}),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** A package as it lies on the disk. */
export interface InstalledPackage {
  readonly manifest: Manifest;
  /** Its folder. */
  readonly folder: string;
  /** Where it lies in the tree of the application: `''` for the program, else such as `node_modules/zod`. */
  readonly place: string;
  /** Places of the packages that it loads. */
  readonly dependsOn: readonly string[];
}

/** A program with the packages that it loads. */
export interface Installation {
  /** Where `node_modules` lies. */
  readonly base: string;
  readonly program: InstalledPackage;
  /** Every package, the program first, then by place. */
  readonly packages: readonly InstalledPackage[];
}

const PROGRAM = 'spikescope';

/**
 * The program and all that it loads when it runs, as Node finds it: none of what only its development needs, nothing that
 * is not installed on this platform.
 * @param base a clone of the project, or a folder into which the npm package was installed
 * @throws RefusedError `APPLICATION_INCOMPLETE`
 */
export function readInstallation(base: string): Installation {
  const root = path.resolve(base);
  const nested = path.join(root, 'node_modules', PROGRAM);
  const folder = existsSync(nested) ? nested : root;
  const finder = new Finder(root, folder);
  const packages = finder.all();
  const [program] = packages;
  if (program.manifest.name !== PROGRAM) {
    throw incomplete(path.join(folder, 'package.json'), PROGRAM, program.manifest.name);
  }
  return { base: root, program, packages };
}

/** Walks from package to package. */
class Finder {
  readonly #base: string;
  readonly #program: string;
  readonly #found = new Map<string, InstalledPackage>();

  constructor(base: string, program: string) {
    this.#base = base;
    this.#program = program;
  }

  all(): [InstalledPackage, ...InstalledPackage[]] {
    const program = this.#take(this.#program);
    const others = [...this.#found.values()].filter((each) => each !== program);
    return [program, ...others.sort((one, other) => compare(one.place, other.place))];
  }

  #take(folder: string): InstalledPackage {
    const known = this.#found.get(folder);
    if (known !== undefined) return known;
    const dependsOn: string[] = [];
    const manifest = readManifest(folder);
    const taken: InstalledPackage = { manifest, folder, place: this.#placeOf(folder), dependsOn };
    const twin = [...this.#found.values()].find(({ place }) => place === taken.place);
    if (twin !== undefined) throw incomplete(folder, `one package in ${taken.place}`, twin.folder);
    // Before those that it loads: packages may load each other.
    this.#found.set(folder, taken);
    for (const { name, isOptional } of loadedBy(manifest)) {
      const place = this.#find(folder, name);
      if (place !== null) dependsOn.push(this.#take(place).place);
      else if (!isOptional)
        throw incomplete(path.join(folder, 'package.json'), `${name} to be installed`, 'none');
    }
    dependsOn.sort(compare);
    return taken;
  }

  /** As Node looks for it: beside the package, and in the folders above, up to the base. */
  #find(from: string, name: string): string | null {
    for (let at = from; ; at = path.dirname(at)) {
      const folder = path.join(at, 'node_modules', name);
      if (existsSync(path.join(folder, 'package.json'))) return folder;
      if (at === this.#base || at === path.dirname(at)) return null;
    }
  }

  /** The program's own packages move up with it. */
  #placeOf(folder: string): string {
    const inProgram = path.relative(this.#program, folder);
    return inProgram.startsWith('..') ? path.relative(this.#base, folder) : inProgram;
  }
}

function loadedBy(manifest: Manifest): { name: string; isOptional: boolean }[] {
  const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = manifest;
  const peers = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true);
  const names = new Set([...Object.keys(dependencies), ...Object.keys(optionalDependencies), ...peers]);
  return [...names]
    .sort(compare)
    .map((name) => ({ name, isOptional: Object.hasOwn(optionalDependencies, name) }));
}

function readManifest(folder: string): Manifest {
  const file = path.join(folder, 'package.json');
  try {
    return manifestSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw incomplete(file, 'a package', reasonOf(cause), cause);
  }
}

function incomplete(file: string, expected: string, received: string, cause?: unknown): RefusedError {
  return new RefusedError('APPLICATION_INCOMPLETE', 'The application is not installed whole here', {
    file,
    expected,
    received,
    remedy: '`npm ci && npm run build` in a clone, or `npm install` of the package into an empty folder',
    ...(cause !== undefined && { cause }),
  });
}

/** By code unit: the same on every machine. */
export function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
