/** What the metadata may say of a photograph beside its class. */
import { z } from 'zod';

/** Null where it is not known. */
export interface Attributes {
  /** Years. */
  readonly age: number | null;
  readonly sex: string | null;
  /** Where on the body. */
  readonly bodySite: string | null;
  /** Where, and with what, the photograph was taken. */
  readonly acquisitionSite: string | null;
}

/** A word; what says that nothing is known is none. */
const word = z
  .string()
  .optional()
  .transform((text) => (text === undefined || /^(unknown|n\/?a|)$/i.test(text) ? null : text.toLowerCase()));

const OLDEST = 130;
const years = z
  .string()
  .optional()
  .transform((text) => (text && Number(text) >= 0 && Number(text) <= OLDEST ? Number(text) : null));

/** The columns, by HAM10000's names. */
export const attributesSchema = z.object({ age: years, sex: word, localization: word, dataset: word });

/** Null where nothing is known. */
export function attributesOf(row: z.output<typeof attributesSchema>): Attributes | null {
  const { age, sex, localization: bodySite, dataset: acquisitionSite } = row;
  const isKnown = [age, sex, bodySite, acquisitionSite].some((value) => value !== null);
  return isKnown ? { age, sex, bodySite, acquisitionSite } : null;
}
