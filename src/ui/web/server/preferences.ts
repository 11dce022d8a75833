import path from 'node:path';
import { z } from 'zod';
import { StoredDocument } from '../../../store/documents.ts';
import { LANGUAGES, THEMES } from '../words.ts';

const preferencesSchema = z.strictObject({
  schema: z.literal('spikescope/screen-preferences/1'),
  language: z.enum(LANGUAGES),
  theme: z.enum(THEMES),
  /** Minutes; 0 for never. */
  blankAfter: z.int().min(0).max(120),
  /** scrypt's output with its salt; null where none was set. */
  pin: z.strictObject({ salt: z.string().max(64), digest: z.string().max(128) }).nullable(),
  paired: z
    .array(
      z.strictObject({
        id: z.string().max(64),
        role: z.enum(['clinician', 'observer']),
        since: z.iso.datetime(),
        /** SHA-256 of its secret. */
        digest: z.string().max(64),
      }),
    )
    .max(16),
});
export type Preferences = z.infer<typeof preferencesSchema>;
export type PairedDevice = Preferences['paired'][number];

/** Devices that are paired at most. */
export const MOST_PAIRED = 16;

/** What somebody has set at the screen, in the data folder. @throws SpikescopeError `DOCUMENT_*` */
export function openPreferences(dataFolder: string): Promise<StoredDocument<Preferences>> {
  return StoredDocument.open(path.join(dataFolder, 'screen.json'), preferencesSchema, () => ({
    schema: 'spikescope/screen-preferences/1',
    ...{ language: 'en', theme: 'light', blankAfter: 10, pin: null, paired: [] },
  }));
}
