/** Of whom a result is, in FHIR R4: logical references by pseudonym, since the device knows no resource of a patient. */
import type { Observation } from '@medplum/fhirtypes';
import { patientOf, type Result } from '../result.ts';
import { SNOMED_CT } from './observations.ts';

const SUBJECT_SYSTEM = 'urn:spikescope:subject';
const ENCOUNTER_SYSTEM = 'urn:spikescope:encounter';

/** Subject and encounter of a report or an observation, as far as the result says. */
export function subjectOf(result: Result): Pick<Observation, 'subject' | 'encounter'> {
  const { subject, encounter } = patientOf(result) ?? {};
  return {
    ...(subject !== undefined && { subject: referenceTo('Patient', SUBJECT_SYSTEM, subject) }),
    ...(encounter !== undefined && { encounter: referenceTo('Encounter', ENCOUNTER_SYSTEM, encounter) }),
  };
}

function referenceTo(type: 'Patient' | 'Encounter', system: string, value: string) {
  return { type, identifier: { system, value } };
}

/** Where on the body; no display stands beside the code: that is for the terminology to say. */
export function bodySiteOfResult(result: Result): Pick<Observation, 'bodySite'> {
  const { bodySite } = patientOf(result) ?? {};
  return bodySite === undefined ? {} : { bodySite: { coding: [{ system: SNOMED_CT, code: bodySite }] } };
}
