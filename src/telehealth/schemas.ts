import { z } from 'zod';
import { modelSchema, statusSchema } from './announcements.ts';
import { resultSchema } from './result.ts';

/** The published JSON Schemas (draft 2020-12) by file name, as they lie in docs/schema. */
export function publishedSchemas(): Readonly<Record<string, unknown>> {
  return {
    'result-1.json': z.toJSONSchema(resultSchema),
    'status-1.json': z.toJSONSchema(statusSchema),
    'model-1.json': z.toJSONSchema(modelSchema),
  };
}

/** A schema file's text. */
export function schemaText(schema: unknown): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}
