/** Of whom a reading is, where a clinic wants that with its results: pseudonyms and a place of the body, never a name. */
import { z } from 'zod';

const SHAPE = '1 to 64 letters, digits and . _ / : -, the first a letter or a digit';

/** Of a visit or a patient, as the clinic numbers them: what holds a blank, such as most names, is none. */
export const pseudonymSchema = z.string(SHAPE).regex(/^[A-Za-z0-9][A-Za-z0-9._/:-]{0,63}$/, SHAPE);

/**
 * Places of the body with the concepts of SNOMED CT (`http://snomed.info/sct`, body structures) that are sent for them. None
 * is narrower than its place; the upper back is sent as the back. Right and left are the patient's.
 */
export const BODY_SITE_CODES = {
  scalp: '41695006',
  face: '89545001',
  'ear-right': '25577004',
  'ear-left': '89644007',
  neck: '45048000',
  chest: '51185008',
  abdomen: '113345001',
  'upper-back': '77568009',
  'lower-back': '37822005',
  buttock: '46862004',
  groin: '26893007',
  'shoulder-right': '91774008',
  'shoulder-left': '91775009',
  'upper-arm-right': '368209003',
  'upper-arm-left': '368208006',
  'forearm-right': '64262003',
  'forearm-left': '66480008',
  'hand-right': '78791008',
  'hand-left': '85151006',
  'thigh-right': '11207009',
  'thigh-left': '61396006',
  'lower-leg-right': '32696007',
  'lower-leg-left': '48979004',
  'foot-right': '7769000',
  'foot-left': '22335008',
} as const;
export type BodySite = keyof typeof BODY_SITE_CODES;

function isSite(name: string): name is BodySite {
  return Object.hasOwn(BODY_SITE_CODES, name);
}

/** What a result says of whom it is of; at least one of the three. */
export const patientSchema = z
  .strictObject({
    encounter: pseudonymSchema.optional().describe('Of the visit, as the clinic numbers it'),
    subject: pseudonymSchema.optional().describe('Pseudonym of the patient'),
    bodySite: z
      .enum(Object.values(BODY_SITE_CODES))
      .optional()
      .describe('Concept of SNOMED CT, a body structure'),
  })
  .refine((said) => Object.keys(said).length > 0, 'expected an identifier or a place of the body')
  .describe(
    'Of whom it is; only where the configuration of the device allows that, and receivers read version 3',
  );
export type Patient = z.infer<typeof patientSchema>;

/** The place that a code is of; null for one that no place has. */
export function bodySiteOf(code: string): BodySite | null {
  return (
    Object.keys(BODY_SITE_CODES)
      .filter(isSite)
      .find((site) => BODY_SITE_CODES[site] === code) ?? null
  );
}
