/** What an image is made of: the SBOM of the application, and beside its parts every Debian package. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { root as repository } from '../../support/programs.mjs';

/** @typedef {import('./packages.mjs').DebianPackage} DebianPackage */

/** Of the licences that the copyright file of a package names, in SPDX's terms where Debian's are others. */
const SPDX = /** @type {Readonly<Record<string, string>>} */ ({
  'GPL-2': 'GPL-2.0-only',
  'GPL-2+': 'GPL-2.0-or-later',
  'GPL-3': 'GPL-3.0-only',
  'GPL-3+': 'GPL-3.0-or-later',
  'LGPL-2': 'LGPL-2.0-only',
  'LGPL-2+': 'LGPL-2.0-or-later',
  'LGPL-2.1': 'LGPL-2.1-only',
  'LGPL-2.1+': 'LGPL-2.1-or-later',
  'LGPL-3': 'LGPL-3.0-only',
  'LGPL-3+': 'LGPL-3.0-or-later',
  Expat: 'MIT',
  MIT: 'MIT',
  'Apache-2.0': 'Apache-2.0',
  'BSD-2-clause': 'BSD-2-Clause',
  'BSD-3-clause': 'BSD-3-Clause',
  ISC: 'ISC',
  Zlib: 'Zlib',
});

/**
 * @param {string} copyright the file of that name
 * @returns {{ name: string }[] | { license: { id: string } | { name: string } }[]}
 */
export function licencesOf(copyright) {
  const named = [...copyright.matchAll(/^License:[ \t]*(\S.*)$/gm)].map(([, name]) => name.trim());
  const distinct = [...new Set(named)].sort().slice(0, 40);
  if (distinct.length === 0) return [{ license: { name: 'as its copyright file says' } }];
  return distinct.map((name) => ({ license: name in SPDX ? { id: SPDX[name] } : { name } }));
}

/**
 * @param {DebianPackage} item
 * @param {{ copyright: string, maintainer: string, use: string }} known
 */
export function debianComponent(
  { name, version, architecture, sha256, source },
  { copyright, maintainer, use },
) {
  const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}`;
  return {
    type: 'library',
    'bom-ref': purl,
    supplier: { name: maintainer || 'Debian' },
    name,
    version,
    hashes: [{ alg: 'SHA-256', content: sha256 }],
    licenses: licencesOf(copyright),
    purl,
    properties: [
      { name: 'spikescope:source-package', value: source },
      { name: 'spikescope:use', value: use },
    ],
  };
}

/**
 * @param {object} from
 * @param {import('../../../src/release/application/application.ts').Application} from.application
 * @param {ReturnType<typeof debianComponent>[]} from.debian
 * @param {string} from.board
 * @param {number} from.epoch seconds
 * @param {string} from.node version of Node in the image
 * @returns {Promise<Record<string, unknown>>} CycloneDX 1.6
 */
export async function imageSbom({ application, debian, board, epoch, node }) {
  const { makeSbom } = await import(path.join(repository, 'dist/release/sbom/sbom.js'));
  const inner = await makeSbom(application, new Date(epoch * 1000), { node });
  const program = inner.metadata.component;
  const ref = `spikescope-image-${board}@${program.version}`;
  const image = {
    type: 'firmware',
    'bom-ref': ref,
    supplier: { name: 'spikescope' },
    name: `spikescope-image-${board}`,
    version: program.version,
    licenses: program.licenses,
  };
  const components = [program, ...inner.components, ...debian].sort((one, other) =>
    one['bom-ref'] < other['bom-ref'] ? -1 : 1,
  );
  const dependencies = [
    ...inner.dependencies,
    ...debian.map((each) => ({ ref: each['bom-ref'], dependsOn: [] })),
    { ref, dependsOn: [program['bom-ref'], ...debian.map((each) => each['bom-ref'])].sort() },
  ].sort((one, other) => (one.ref < other.ref ? -1 : 1));
  const hex = createHash('sha256')
    .update(JSON.stringify([image, components]))
    .digest('hex');
  const serial = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ];
  return {
    ...inner,
    serialNumber: `urn:uuid:${serial.join('-')}`,
    metadata: { ...inner.metadata, component: image },
    components,
    dependencies,
  };
}
