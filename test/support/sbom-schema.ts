import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv } from 'ajv';

const SCHEMAS = 'test/fixtures/cyclonedx';

function schema(name: string): object {
  return JSON.parse(readFileSync(path.join(SCHEMAS, `${name}.schema.json`), 'utf8'));
}

/** The schema of CycloneDX 1.6 as it is published, with the licences of SPDX. */
export function sbomJudge() {
  // Formats are names of more packages.
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  for (const name of ['spdx', 'jsf-0.82']) {
    ajv.addSchema(schema(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
  }
  return ajv.compile(schema('bom-1.6'));
}
