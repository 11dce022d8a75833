/** The bill of materials of this very program, judged by the published schema, and by what lies on the disk. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Application, readApplication } from '../../src/release/application/application.ts';
import { readInstallation } from '../../src/release/application/production-packages.ts';
import { isAllowed, licenceOf } from '../../src/release/sbom/licences.ts';
import { checkSbom, makeSbom, type Sbom, sbomText } from '../../src/release/sbom/sbom.ts';
import { sbomJudge } from '../support/sbom-schema.ts';

const TIME = new Date('2026-01-02T03:04:05Z');

let application: Application;
let sbom: Sbom;
beforeAll(async () => {
  application = await readApplication('.');
  sbom = await makeSbom(application, TIME);
});

const everything = () => [sbom.metadata.component, ...sbom.components];

describe('the bill of materials', () => {
  it('is one by the published schema of CycloneDX 1.6, whose judge refuses others', () => {
    const validate = sbomJudge();
    const document: unknown = JSON.parse(sbomText(sbom));
    expect(validate(document) ? [] : validate.errors).toEqual([]);
    expect(validate({ ...sbom, specVersion: 'x', components: [{ name: 1 }] })).toBe(false);
    const [first] = sbom.components;
    expect(
      validate({ ...sbom, components: [{ ...first, licenses: [{ license: { id: 'NO-SUCH-1.0' } }] }] }),
    ).toBe(false);
  });

  it('has the same bytes each time', async () => {
    expect(sbomText(await makeSbom(await readApplication('.'), TIME))).toBe(sbomText(sbom));
    expect(sbom.metadata.timestamp).toBe('2026-01-02T03:04:05Z');
  });

  it('leaves out no package that is installed for the device, and names none twice', () => {
    // The slow way: a package is loaded where Node, asked from another one, would find it.
    const wanted = new Set<string>();
    const visit = (folder: string) => {
      const { name, version, dependencies, optionalDependencies } = JSON.parse(
        readFileSync(path.join(folder, 'package.json'), 'utf8'),
      );
      if (wanted.has(`${name}@${version} in ${folder}`)) return;
      wanted.add(`${name}@${version} in ${folder}`);
      for (const each of Object.keys({ ...dependencies, ...optionalDependencies })) {
        let at = folder;
        while (!existsSync(path.join(at, 'node_modules', each)) && at !== '.') at = path.dirname(at);
        if (existsSync(path.join(at, 'node_modules', each))) visit(path.join(at, 'node_modules', each));
      }
    };
    visit('.');
    const names = new Set([...wanted].map((each) => each.replace(/ in .*/, '')));
    const found = everything()
      .filter(({ purl }) => purl.startsWith('pkg:npm/'))
      .map(({ group, name, version }) => `${group === undefined ? name : `${group}/${name}`}@${version}`);
    expect([...found].sort()).toEqual([...names].sort());
    expect(found.length).toBeGreaterThan(100);
    const refs = everything().map((each) => each['bom-ref']);
    expect(new Set(refs).size).toBe(refs.length);
  });

  it('is of what the archive holds: each of its packages, each file of machine code, each model', () => {
    const places = new Set(
      everything().flatMap(({ properties = [] }) =>
        properties.filter(({ name }) => name === 'spikescope:place').map(({ value }) => value),
      ),
    );
    const inArchive = application.files.filter(({ name }) =>
      /(^|\/)node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/.test(name),
    );
    expect(inArchive.length).toBeGreaterThan(100);
    expect(inArchive.map(({ name }) => path.dirname(name)).filter((place) => !places.has(place))).toEqual([]);
    const binaries = application.files
      .map(({ name }) => name)
      .filter((name) => /\.(node|so[\d.]*)$/.test(name));
    expect(binaries.length).toBeGreaterThanOrEqual(4);
    expect(
      sbom.components
        .filter(({ type }) => type === 'file')
        .map(({ name }) => name)
        .sort(),
    ).toEqual(binaries.sort());
    const models = application.files
      .filter(({ name }) => /(^|\/)models\/[^/]+\.(spikescope|checkpoint)$/.test(name))
      .map(({ name }) => path.basename(name));
    expect(models).toContain('qana64.spikescope');
    const found = sbom.components
      .filter(({ type }) => type === 'machine-learning-model')
      .map(({ name }) => name);
    expect(found.sort()).toEqual(models.sort());
  });

  it('says of each part what NTIA asks for: supplier, name, version, another name, relation; and who says so, and when', () => {
    const related = new Set(sbom.dependencies.map(({ ref }) => ref));
    for (const each of everything()) {
      expect(each).toMatchObject({
        supplier: { name: expect.stringMatching(/\S/) },
        name: expect.stringMatching(/\S/),
        version: expect.stringMatching(/\S/),
        purl: expect.stringMatching(/^pkg:(npm|generic)\/\S+@\S+$/),
      });
      expect(related).toContain(each['bom-ref']);
    }
    const targets = new Set(sbom.dependencies.flatMap(({ dependsOn }) => dependsOn));
    expect(sbom.components.filter((each) => !targets.has(each['bom-ref'])).map(({ name }) => name)).toEqual(
      [],
    );
    expect(sbom.metadata.authors).toHaveLength(1);
  });

  it('has the hash that npm verified of each package but the program', () => {
    const npm = sbom.components.filter(({ purl }) => purl.startsWith('pkg:npm/'));
    expect(
      npm
        .filter(({ hashes = [] }) => !/^[0-9a-f]{128}$/.test(hashes[0]?.content ?? ''))
        .map(({ name }) => name),
    ).toEqual([]);
  });

  it('names what is linked into sharp and SQLite, and the data set of the weights', () => {
    const names = sbom.components.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['vips', 'sqlite', 'node', 'HAM10000', 'glib']));
  });
});

describe('licences', () => {
  it.each([
    ['MIT', true],
    ['(MIT OR WTFPL)', true],
    ['WTFPL OR GPL-3.0-only', false],
    ['MIT AND Zlib', true],
    ['MIT AND GPL-3.0-only', false],
    ['(MIT OR Zlib) AND GPL-2.0-only', false],
    ['GPL-3.0-only', false],
    ['SEE LICENSE IN LICENSE', false],
    ['UNLICENSED', false],
    ['', false],
  ])('%j: %s', (licence, allowed) => {
    expect(isAllowed(licence)).toBe(allowed);
  });

  it('are found in the forms that npm has given up', () => {
    const manifest = readInstallation('.').program.manifest;
    const of = (license: unknown, licenses?: unknown) => licenceOf({ ...manifest, license, licenses });
    expect(of({ type: 'ISC', url: 'x' })).toBe('ISC');
    expect(of(undefined, [{ type: 'MIT' }, { type: 'ISC' }])).toBe('MIT OR ISC');
    expect(of(undefined)).toBe(null);
  });

  it.each([
    ['unknown', []],
    ['not allowed', [{ license: { id: 'AGPL-3.0-only' } }]],
  ])('that are %s end it', (_, licenses) => {
    const [first, ...others] = sbom.components;
    expect(() => checkSbom({ ...sbom, components: [{ ...first, licenses }, ...others] })).toThrow(
      expect.objectContaining({ code: 'SBOM_LICENCE', exitCode: 3 }),
    );
  });

  it('and a part without a supplier, or that nothing is known to use, too', () => {
    const [first, ...others] = sbom.components;
    expect(() => checkSbom({ ...sbom, components: [{ ...first, supplier: undefined }, ...others] })).toThrow(
      expect.objectContaining({ code: 'SBOM_INCOMPLETE' }),
    );
    expect(() => checkSbom({ ...sbom, dependencies: sbom.dependencies.slice(1) })).toThrow(
      expect.objectContaining({ code: 'SBOM_INCOMPLETE' }),
    );
  });
});
