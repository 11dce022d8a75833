import { z } from 'zod';
import { UsageError } from '../../errors.ts';
import type { ChainHead } from '../../store/verify.ts';

const optionsSchema = z.object({
  data: z.string().min(1).optional(),
  witnessed: z.string().optional(),
  from: z.string().optional(),
  json: z.boolean().default(false),
});

export function journalOptions(raw: unknown): z.infer<typeof optionsSchema> {
  return optionsSchema.parse(raw);
}

const exportSchema = z.object({
  to: z.string().min(1),
  data: z.string().min(1).optional(),
  key: z.string().min(1).optional(),
  json: z.boolean().default(false),
});

export function exportOptions(raw: unknown): z.infer<typeof exportSchema> {
  return exportSchema.parse(raw);
}

/** @throws UsageError `OPTION_VALUE` */
export function parseHead(text: string): ChainHead {
  const match = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text);
  if (match !== null) return { sequence: Number(match[1]), digest: match[2] };
  throw new UsageError('OPTION_VALUE', 'This cannot be the end of a chain', {
    field: '--witnessed',
    expected: 'SEQUENCE:DIGEST as `journal verify` says it',
    received: JSON.stringify(text),
  });
}

/** @throws UsageError `OPTION_VALUE` */
export function parseSequence(text: string | undefined): number {
  if (text !== undefined && /^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new UsageError('OPTION_VALUE', 'This is not the number of a record', {
    field: '--from',
    expected: 'a whole number from 1',
    received: JSON.stringify(text),
  });
}
