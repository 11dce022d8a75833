/** Writes the published JSON Schemas from the zod schemas that the program itself uses, and formats them. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { execute, prepare, root } from './prepare.mjs';

await prepare();
const { publishedSchemas } = await import('../dist/telehealth/schemas.js');
const { configurationSchema } = await import('../dist/runtime/appliance/settings/configuration.js');
const { screenSchemas } = await import('../dist/ui/web/schemas.js');
const folder = path.join(root, 'docs/schema');
const schemas = {
  ...publishedSchemas(),
  ...screenSchemas(),
  'configuration-1.json': configurationSchema(),
};
for (const [file, schema] of Object.entries(schemas)) {
  writeFileSync(path.join(folder, file), `${JSON.stringify(schema, null, 2)}\n`);
}
execute(path.join(root, 'node_modules/.bin/biome'), ['format', '--write', folder]);
