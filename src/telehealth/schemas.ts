import { z } from 'zod';
import { modelSchema, statusSchema } from './announcements.ts';
import { commandSchema, responseSchema } from './commands/command.ts';
import { healthSchema } from './health.ts';
import { labelSchema } from './label.ts';
import { resultSchema1, resultSchema2, resultSchema3 } from './result.ts';
import { updateSchema } from './update.ts';

/**
 * The published JSON Schemas (draft 2020-12) by file name, as they lie in docs/schema; `node scripts/schemas.mjs` writes
 * them.
 */
export function publishedSchemas(): Readonly<Record<string, unknown>> {
  return {
    'result-1.json': z.toJSONSchema(resultSchema1),
    'result-2.json': z.toJSONSchema(resultSchema2),
    'result-3.json': z.toJSONSchema(resultSchema3),
    'label-1.json': z.toJSONSchema(labelSchema),
    'status-1.json': z.toJSONSchema(statusSchema),
    'model-1.json': z.toJSONSchema(modelSchema),
    'health-1.json': z.toJSONSchema(healthSchema),
    'update-1.json': z.toJSONSchema(updateSchema),
    'command-1.json': z.toJSONSchema(commandSchema),
    'response-1.json': z.toJSONSchema(responseSchema),
  };
}
