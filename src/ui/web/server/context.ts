/** Of whom readings are: as a page says it, and as results have it. */
import { BODY_SITE_CODES, bodySiteOf, type Patient } from '../../../telehealth/patient-context.ts';
import type { PatientContext } from '../contract.ts';

export function contextOf({ encounter, subject, bodySite }: Patient): PatientContext {
  return {
    encounter: encounter ?? null,
    subject: subject ?? null,
    bodySite: bodySite === undefined ? null : bodySiteOf(bodySite),
  };
}

/** Null where nothing is said. */
export function patientIn({ encounter, subject, bodySite }: PatientContext): Patient | null {
  if (encounter === null && subject === null && bodySite === null) return null;
  return {
    ...(encounter !== null && { encounter }),
    ...(subject !== null && { subject }),
    ...(bodySite !== null && { bodySite: BODY_SITE_CODES[bodySite] }),
  };
}
