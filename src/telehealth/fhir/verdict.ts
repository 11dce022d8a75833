/** What a person's verdict makes of a report, in FHIR R4. */
import type { CodeableConcept, DiagnosticReport, Observation } from '@medplum/fhirtypes';
import type { ClassTable } from '../../model/bundle/class-table.ts';
import type { Label } from '../label.ts';
import type { Result } from '../result.ts';
import { classText, diagnosisOf } from './observations.ts';

/**
 * `preliminary`: nobody has looked at the reading, or the verdict was withdrawn, and then nobody stands behind it any more;
 * `amended` would still call it verified, and `entered-in-error` would call the reading void. `final`: confirmed. `amended`:
 * another class than that of the reading. `cancelled`: nothing was read.
 */
export function reportStatus({ accepted }: Result, label: Label | null): DiagnosticReport['status'] {
  if (!accepted) return 'cancelled';
  switch (label?.verdict) {
    case 'confirmed':
      return 'final';
    case 'corrected':
      return 'amended';
    default:
      return 'preliminary';
  }
}

/** What the model says is final where a person confirms it; a verdict against it leaves it as it was. */
export function confirmedBy(label: Label | null, observation: Observation): Observation {
  return label?.verdict === 'confirmed' ? { ...observation, status: 'final' } : observation;
}

/** What the person says of the lesion; withdrawn, the same observation is entered in error. */
export function verdictObservation(
  { capturedAt }: Result,
  label: Label,
  table: ClassTable,
  { device, reading }: Readonly<Record<'device' | 'reading', { reference: string }>>,
): Observation {
  return {
    resourceType: 'Observation',
    status: label.verdict === 'withdrawn' ? 'entered-in-error' : 'final',
    category: [
      { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'exam' }] },
    ],
    code: { text: 'Class of the lesion by the clinician' },
    effectiveDateTime: capturedAt,
    issued: label.givenAt,
    valueCodeableConcept: diagnosisOf(label.label, table),
    device,
    derivedFrom: [reading],
  };
}

/** What a report concludes with a verdict, in codes; undefined without one that holds. */
export function conclusionCodes(label: Label | null, table: ClassTable): CodeableConcept[] | undefined {
  if (label === null || label.verdict === 'withdrawn') return undefined;
  return [diagnosisOf(label.label, table)];
}

/** The verdict in words, before what the reading said; empty without one. */
export function verdictConclusion(label: Label | null, table: ClassTable): string {
  if (label === null) return '';
  const name = table.has(label.label) ? `, ${classText(label.label, table)}` : '';
  switch (label.verdict) {
    case 'confirmed':
      return `The clinician confirms ${label.label}${name}. The reading says: `;
    case 'corrected':
      return `The clinician’s class is ${label.label}${name}. The reading, which this corrects, said: `;
    case 'withdrawn':
      return 'The clinician’s verdict was withdrawn. The reading says: ';
  }
}
