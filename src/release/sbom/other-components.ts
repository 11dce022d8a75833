import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { readBundle } from '../../model/bundle/read.ts';
import type { Application } from '../application/application.ts';
import type { ApplicationFile } from '../application/application-files.ts';
import { type Component, componentOf, genericPurl, type Hash } from './component.ts';
import { licenceOf, VIPS_LICENCES } from './licences.ts';

/** A component, and the package or component inside which it comes. */
export interface Inside {
  readonly component: Component;
  /** Place of a package, `''` for the program. */
  readonly within: string;
}

const PROGRAM = '';
const WEIGHTS_LICENCE = 'CC-BY-NC-4.0';

/** Every file of machine code, and what is built into it. */
export async function nativeComponents({ files, installation, version }: Application): Promise<Inside[]> {
  const binaries = files.filter(({ name }) => /\.(node|so(\.[\d.]+)?)$/.test(name));
  const found = await Promise.all(
    binaries.map(async (file) => {
      const owner = ownerOf(file, installation.packages);
      const hash = await hashOf(file);
      const { manifest } = owner;
      return {
        within: owner.place,
        component: componentOf({
          type: 'file',
          name: file.name,
          version: owner.place === PROGRAM ? version : manifest.version,
          purl: genericPurl(path.posix.basename(file.name), manifest.version, hash.content),
          licence: licenceOf(manifest),
          supplier: manifest.name,
          hashes: [hash],
        }),
      };
    }),
  );
  return [...found, ...vipsParts(installation.packages), ...sqlite(installation.packages)];
}

type Packages = Application['installation']['packages'];

function ownerOf({ name }: ApplicationFile, packages: Packages): Packages[number] {
  const owners = packages.filter(({ place }) => place !== PROGRAM && name.startsWith(`${place}/`));
  return owners.sort((one, other) => other.place.length - one.place.length)[0] ?? packages[0];
}

/** Libraries that are linked into sharp's libvips. */
function vipsParts(packages: Packages): Inside[] {
  return packages
    .filter(({ manifest }) => /^@img\/sharp-libvips-/.test(manifest.name))
    .flatMap(({ folder, place }) => {
      const text = readFileSync(path.join(folder, 'versions.json'), 'utf8');
      const versions = z.record(z.string(), z.string()).parse(JSON.parse(text));
      return Object.entries(versions).map(([name, version]) => ({
        within: place,
        component: componentOf({
          type: 'library',
          name,
          version,
          purl: genericPurl(name, version),
          licence: VIPS_LICENCES[name] ?? null,
          supplier: `the ${name} project`,
        }),
      }));
    });
}

function sqlite(packages: Packages): Inside[] {
  const found = packages.find(({ manifest }) => manifest.name === 'better-sqlite3');
  if (found === undefined) return [];
  const header = readFileSync(path.join(found.folder, 'deps/sqlite3/sqlite3.h'), 'utf8');
  const [, version = 'unknown'] = /#define SQLITE_VERSION\s+"([\d.]+)"/.exec(header) ?? [];
  const purl = genericPurl('sqlite', version);
  const component = componentOf({
    type: 'library',
    name: 'sqlite',
    version,
    purl,
    licence: 'blessing',
    supplier: 'the SQLite project',
  });
  return [{ within: found.place, component }];
}

/** The data set that the weights were trained on; none of its images is part of the program. */
const DATA_SET = componentOf({
  type: 'data',
  name: 'HAM10000',
  version: '2018',
  purl: genericPurl('HAM10000', '2018'),
  licence: WEIGHTS_LICENCE,
  supplier: 'Tschandl, Rosendahl, Kittler',
  properties: [{ name: 'spikescope:shipped', value: 'false' }],
});

/** Bundles of weights, and what else lies beside them that was trained. */
export async function weightComponents({
  files,
  version,
}: Application): Promise<{ weights: Component[]; data: Component }> {
  const trained = files.filter(({ name }) => /^models\/[^/]+\.(spikescope|checkpoint)$/.test(name));
  const weights = await Promise.all(
    trained.map(async (file) => {
      const hash = await hashOf(file);
      const bundle = file.name.endsWith('.spikescope') ? await readBundle(file.source) : null;
      const name = path.posix.basename(file.name);
      return componentOf({
        type: 'machine-learning-model',
        name,
        version: bundle?.version ?? version,
        purl: genericPurl(name, bundle?.version ?? version, hash.content),
        licence: WEIGHTS_LICENCE,
        supplier: 'spikescope',
        hashes: [hash],
        ...(bundle !== null && { properties: [{ name: 'spikescope:bundle-digest', value: bundle.digest }] }),
      });
    }),
  );
  return { weights, data: DATA_SET };
}

/** What the program runs on; it comes with the system of the device. */
export function nodeComponent(version = process.versions.node): Component {
  return componentOf({
    type: 'platform',
    name: 'node',
    version,
    purl: genericPurl('node', version),
    licence: 'MIT',
    supplier: 'OpenJS Foundation',
    properties: [{ name: 'spikescope:shipped', value: 'false' }],
  });
}

async function hashOf({ source }: ApplicationFile): Promise<Hash> {
  return {
    alg: 'SHA-256',
    content: createHash('sha256')
      .update(await readFile(source))
      .digest('hex'),
  };
}
