import { createHash } from 'node:crypto';
import { RefusedError } from '../../errors.ts';
import type { Application } from '../application/application.ts';
import { compare } from '../application/production-packages.ts';
import type { Component } from './component.ts';
import { isAllowed } from './licences.ts';
import { npmComponents } from './npm-components.ts';
import { nativeComponents, nodeComponent, weightComponents } from './other-components.ts';

export interface Dependency {
  readonly ref: string;
  readonly dependsOn: readonly string[];
}

/** CycloneDX 1.6, as far as it is used here. */
export interface Sbom {
  readonly bomFormat: 'CycloneDX';
  readonly specVersion: '1.6';
  readonly serialNumber: string;
  readonly version: 1;
  readonly metadata: {
    readonly timestamp: string;
    readonly authors: readonly { readonly name: string }[];
    readonly component: Component;
  };
  readonly components: readonly Component[];
  readonly dependencies: readonly Dependency[];
}

/**
 * What an application is made of: packages as they lie on the disk, machine code and what is linked into it, weights, and
 * what it runs on. Of the same application and time it is always the same.
 * @param time of the release
 * @param node version of Node that it runs on; without it that of this machine
 * @throws RefusedError `SBOM_LICENCE`, `SBOM_INCOMPLETE`
 */
export async function makeSbom(
  application: Application,
  time: Date,
  { node: version }: { readonly node?: string } = {},
): Promise<Sbom> {
  const packages = npmComponents(application.installation);
  const program = packages.get('');
  if (program === undefined) throw new RangeError('an installation without its program');
  const native = await nativeComponents(application);
  const { weights, data } = await weightComponents(application);
  const node = nodeComponent(version);

  const edges = new Map<string, Set<string>>();
  const link = (from: Component, to: Component | undefined) => {
    const known = edges.get(from['bom-ref']) ?? new Set<string>();
    edges.set(from['bom-ref'], to === undefined ? known : known.add(to['bom-ref']));
  };
  for (const { place, dependsOn } of application.installation.packages) {
    const from = packages.get(place) ?? program;
    link(from, undefined);
    for (const each of dependsOn) link(from, packages.get(each));
  }
  for (const { within, component } of native) link(packages.get(within) ?? program, component);
  for (const each of weights) {
    link(program, each);
    link(each, data);
  }
  link(program, node);

  const all = [...packages.values(), ...native.map(({ component }) => component), ...weights, data, node];
  const components = [...new Map(all.map((each) => [each['bom-ref'], each])).values()]
    .filter((each) => each !== program)
    .sort((one, other) => compare(one['bom-ref'], other['bom-ref']));
  for (const each of components) link(each, undefined);
  const dependencies = [...edges]
    .map(([ref, to]) => ({ ref, dependsOn: [...to].sort(compare) }))
    .sort((one, other) => compare(one.ref, other.ref));
  const sbom: Sbom = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: serialOf([program, ...components]),
    version: 1,
    metadata: {
      timestamp: time.toISOString().replace(/\.\d+Z$/, 'Z'),
      authors: [{ name: 'spikescope' }],
      component: program,
    },
    components,
    dependencies,
  };
  checkSbom(sbom);
  return sbom;
}

/** As a file: always the same bytes. */
export function sbomText(sbom: Sbom): string {
  return `${JSON.stringify(sbom, null, 2)}\n`;
}

/** A name for these very components, in the form of a random one. */
function serialOf(components: readonly Component[]): string {
  const hex = createHash('sha256').update(JSON.stringify(components)).digest('hex');
  const variant = ((Number.parseInt(hex[16], 16) & 3) | 8).toString(16);
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
  ];
  return `urn:uuid:${[...parts, hex.slice(20, 32)].join('-')}`;
}

/**
 * Holds an SBOM to what NTIA asks for of each part, and its licences to those that are allowed.
 * @throws RefusedError `SBOM_LICENCE`, `SBOM_INCOMPLETE`
 */
export function checkSbom({ metadata, components, dependencies }: Sbom): void {
  const known = new Set(dependencies.map(({ ref }) => ref));
  for (const each of [metadata.component, ...components]) {
    const missing = [
      ...(each.supplier === undefined ? ['its supplier'] : []),
      ...(each.version === '' || each.version === 'unknown' ? ['its version'] : []),
      ...(known.has(each['bom-ref']) ? [] : ['what it depends on']),
    ];
    if (missing.length > 0) {
      throw new RefusedError('SBOM_INCOMPLETE', 'Of a part not all is known that must be', {
        field: each['bom-ref'],
        expected: missing.join(', '),
        received: 'nothing',
        remedy: 'look into its package.json, and tell src/release/sbom what is missing there',
      });
    }
    const licences = each.licenses.map((one) => ('expression' in one ? one.expression : one.license.id));
    if (licences.length === 1 && isAllowed(licences[0])) continue;
    throw new RefusedError('SBOM_LICENCE', 'The licence of a part is unknown or not allowed', {
      field: each['bom-ref'],
      expected: 'a licence among those of src/release/sbom/licences.ts',
      received: licences.join(', ') || 'none',
      remedy: 'do without the part, or allow its licence after having read it',
    });
  }
}
