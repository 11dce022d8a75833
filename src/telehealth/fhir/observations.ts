import type { CodeableConcept, Observation, ObservationComponent, Quantity } from '@medplum/fhirtypes';
import type { Triage } from '../../model/answers.ts';
import { type ClassTable, displayNameOf } from '../../model/bundle/class-table.ts';
import { isUnfamiliar, type judgementOf, type Result } from '../result.ts';
import { fhirString, isFhirCode } from './text.ts';

/** The model's own names of classes; the class table says which codes of terminologies they stand for. */
const CLASS_SYSTEM = 'urn:spikescope:class';
/** The model's own words for what to do. */
const TRIAGE_SYSTEM = 'urn:spikescope:triage';
export const SNOMED_CT = 'http://snomed.info/sct';
const ICD_10 = 'http://hl7.org/fhir/sid/icd-10';
const UCUM = 'http://unitsofmeasure.org';

type Reference = { reference: string };
type Judgement = NonNullable<ReturnType<typeof judgementOf>>;

/**
 * What the model says: its class, and as components the probability of each.
 * @param table of the model that read it
 */
export function diagnosisObservation(result: Result, table: ClassTable, device: Reference): Observation {
  const probabilities = Object.entries(result.probabilities);
  return {
    ...headOf(result, device),
    code: { text: 'Class of the lesion by the model' },
    ...readingOf(result, table),
    ...(isUnfamiliar(result) && { note: [{ text: UNFAMILIAR_NOTE }] }),
    ...(probabilities.length > 0 && {
      component: probabilities.map(([name, probability]) =>
        componentOf(
          { ...classOf(name, table), text: fhirString(`Probability of ${classText(name, table)}`) },
          dimensionless(probability),
        ),
      ),
    }),
  };
}

/** What a report says of a lesion that is unlike those of training. */
export const UNFAMILIAR_NOTE =
  'The lesion is unlike those that the model was trained on; its probabilities say less than usual.';

function readingOf({ accepted, diagnosis, reasons }: Result, table: ClassTable): Partial<Observation> {
  if (!accepted) {
    const coding = [{ system: 'http://terminology.hl7.org/CodeSystem/data-absent-reason', code: 'error' }];
    return { dataAbsentReason: { coding, text: fhirString(reasons.join(', ') || diagnosis) } };
  }
  if (diagnosis === 'indeterminate') {
    const system = 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation';
    return {
      valueCodeableConcept: { text: diagnosis },
      interpretation: [{ coding: [{ system, code: 'IND', display: 'Indeterminate' }] }],
    };
  }
  return { valueCodeableConcept: diagnosisOf(diagnosis, table) };
}

/** What to do with the lesion, and as a component the probability that it has to be seen to. */
export function triageObservation(
  result: Result,
  { triage, malignancy }: Judgement,
  device: Reference,
): Observation {
  return {
    ...headOf(result, device),
    code: { text: 'Triage of the lesion by the model' },
    valueCodeableConcept: { coding: [{ system: TRIAGE_SYSTEM, code: triage }], text: TRIAGE_TEXTS[triage] },
    ...(malignancy !== null && {
      component: [
        componentOf({ text: 'Probability that the lesion is malignant' }, dimensionless(malignancy)),
      ],
    }),
  };
}

/** What each answer of triage asks for. */
export const TRIAGE_TEXTS: Readonly<Record<Triage, string>> = {
  refer: 'Refer to a specialist',
  routine: 'Routine',
  indeterminate: 'Indeterminate',
};

/** What the integrity check measured on the frame. */
export function qualityObservation(
  result: Result,
  { shortSide, clippedShare, contrast, focus }: NonNullable<Result['quality']>,
  device: Reference,
): Observation {
  return {
    ...headOf(result, device),
    code: { text: 'Quality of the image' },
    component: [
      componentOf({ text: 'Short side of the image' }, { value: shortSide, unit: 'pixels' }),
      componentOf({ text: 'Largest share of clipped pixels in a channel' }, dimensionless(clippedShare)),
      componentOf({ text: 'Standard deviation of luminance' }, dimensionless(contrast)),
      componentOf({ text: 'Variance of the Laplacian of luminance' }, dimensionless(focus)),
    ],
  };
}

function headOf({ accepted, capturedAt, model }: Result, device: Reference) {
  return {
    resourceType: 'Observation',
    status: accepted ? 'preliminary' : 'cancelled',
    category: [
      {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'imaging' }],
      },
    ],
    effectiveDateTime: capturedAt,
    method: { text: fhirString(`${model.name} ${model.version}`) },
    device,
  } as const satisfies Partial<Observation>;
}

/** The class in words and, where it has none, by its own name. */
export function classText(name: string, table: ClassTable): string {
  return displayNameOf(table, name) ?? name;
}

/** The model's own code for a class. */
function classOf(name: string, table: ClassTable): CodeableConcept {
  const display = displayNameOf(table, name);
  const coding = { system: CLASS_SYSTEM, code: name, ...(display !== null && { display }) };
  return { ...(isFhirCode(name) && { coding: [coding] }), text: fhirString(classText(name, table)) };
}

/**
 * The class that was named, with the codes that others know it by. Only it has them: a component of one per cent must not be
 * found by who searches for melanomas. No display stands beside them: that is for the terminology to say.
 */
export function diagnosisOf(name: string, table: ClassTable): CodeableConcept {
  const { coding = [], text } = classOf(name, table);
  const { snomed, icd10 } = table.get(name) ?? {};
  const all = [
    ...coding,
    ...(snomed === undefined ? [] : [{ system: SNOMED_CT, code: snomed }]),
    ...(icd10 === undefined ? [] : [{ system: ICD_10, code: icd10 }]),
  ];
  return { ...(all.length > 0 && { coding: all }), ...(text !== undefined && { text }) };
}

function componentOf(code: CodeableConcept, valueQuantity: Quantity): ObservationComponent {
  return { code, valueQuantity };
}

function dimensionless(value: number): Quantity {
  return { value, unit: '1', system: UCUM, code: '1' };
}
