import { z } from 'zod';
import {
  commandSchema,
  historySchema,
  replySchema,
  saliencySchema,
  startSchema,
  stateSchema,
} from './contract.ts';

/** The screen's JSON Schemas (draft 2020-12) by file name, as they lie in docs/schema beside those of messages. */
export function screenSchemas(): Readonly<Record<string, unknown>> {
  return {
    'screen-start-1.json': z.toJSONSchema(startSchema),
    'screen-state-1.json': z.toJSONSchema(stateSchema),
    'screen-command-1.json': z.toJSONSchema(commandSchema),
    'screen-reply-1.json': z.toJSONSchema(replySchema),
    'screen-history-1.json': z.toJSONSchema(historySchema),
    'screen-saliency-1.json': z.toJSONSchema(saliencySchema),
  };
}
