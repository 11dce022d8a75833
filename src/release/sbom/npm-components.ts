import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Installation, InstalledPackage, Manifest } from '../application/production-packages.ts';
import { type Component, componentOf, type Hash } from './component.ts';
import { licenceOf } from './licences.ts';

const lockSchema = z.object({
  packages: z.record(z.string(), z.object({ integrity: z.string().optional() })),
});

/**
 * A component for each package of an installation, also where it lies there several times: once, with all its places.
 * @returns places in the tree → component
 */
export function npmComponents({ base, packages }: Installation): ReadonlyMap<string, Component> {
  const integrities = integritiesOf(base);
  const byPurl = new Map<string, Component>();
  const byPlace = new Map<string, Component>();
  for (const each of packages) {
    const purl = purlOf(each.manifest);
    const known = byPurl.get(purl);
    const place = each.place === '' ? '.' : each.place;
    const component: Component =
      known === undefined ? npmComponent(each, purl, hashesOf(integrities.get(each.place))) : { ...known };
    const properties = [...(known?.properties ?? []), { name: 'spikescope:place', value: place }];
    byPurl.set(purl, { ...component, properties });
  }
  for (const { manifest, place } of packages) {
    const component = byPurl.get(purlOf(manifest));
    if (component !== undefined) byPlace.set(place, component);
  }
  return byPlace;
}

function npmComponent(
  { manifest, place }: InstalledPackage,
  purl: string,
  hashes: readonly Hash[],
): Component {
  const [, group, name] = /^(?:(@[^/]+)\/)?(.+)$/.exec(manifest.name) ?? [];
  return componentOf({
    type: place === '' ? 'application' : 'library',
    name: name ?? manifest.name,
    ...(group !== undefined && { group }),
    version: manifest.version,
    purl,
    licence: licenceOf(manifest),
    supplier: place === '' ? manifest.name : supplierOf(manifest),
    hashes,
  });
}

export function purlOf({ name, version }: Manifest): string {
  return `pkg:npm/${name.replace(/^@/, '%40')}@${version.replace(/\+/g, '%2B')}`;
}

/** Its author, else its maintainers, else whoever owns its repository. */
function supplierOf({ author, maintainers, contributors, repository }: Manifest): string | null {
  const people = [author, ...(maintainers ?? []), ...[contributors ?? []].flat()];
  const names = people.map((each) =>
    typeof each === 'string' ? each.replace(/\s*[<(].*$/, '') : each?.name,
  );
  const address = typeof repository === 'string' ? repository : repository?.url;
  const [, owner] = /(?:^|[/:])([\w.-]+)\/[\w.-]+?(?:\.git)?$/.exec(address ?? '') ?? [];
  return [...names, owner].find((name) => name !== undefined && name.trim() !== '')?.trim() ?? null;
}

/** What npm has verified when it installed, by place; of a clone its own lock. */
function integritiesOf(base: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const file of ['package-lock.json', 'node_modules/.package-lock.json']) {
    const lock = readLock(path.join(base, file));
    for (const [place, { integrity }] of Object.entries(lock)) {
      if (integrity !== undefined) found.set(place, integrity);
    }
  }
  return found;
}

function readLock(file: string): z.infer<typeof lockSchema>['packages'] {
  try {
    return lockSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).packages;
  } catch {
    return {};
  }
}

/** `sha512-<base64>` of the package's archive. */
function hashesOf(integrity: string | undefined): Hash[] {
  const [, base64] = /(?:^| )sha512-([A-Za-z0-9+/=]+)/.exec(integrity ?? '') ?? [];
  return base64 === undefined
    ? []
    : [{ alg: 'SHA-512', content: Buffer.from(base64, 'base64').toString('hex') }];
}
