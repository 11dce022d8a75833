import type { CodeableConcept, Observation, ObservationComponent, Quantity } from '@medplum/fhirtypes';
import type { Result } from '../result.ts';
import { fhirString, isFhirCode } from './text.ts';

/** The model's own names of classes; which code of a terminology each stands for is for the receiver to say. */
const CLASS_SYSTEM = 'urn:spikescope:class';
const UCUM = 'http://unitsofmeasure.org';

type Reference = { reference: string };

/** What the model says: its class, and as components the probability of each. */
export function diagnosisObservation(result: Result, device: Reference): Observation {
  const probabilities = Object.entries(result.probabilities);
  return {
    ...headOf(result, device),
    code: { text: 'Class of the lesion by the model' },
    ...readingOf(result),
    ...(probabilities.length > 0 && {
      component: probabilities.map(([name, probability]) =>
        componentOf(
          { ...classOf(name), text: fhirString(`Probability of ${name}`) },
          dimensionless(probability),
        ),
      ),
    }),
  };
}

function readingOf({ accepted, diagnosis, reasons }: Result): Partial<Observation> {
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
  return { valueCodeableConcept: classOf(diagnosis) };
}

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

function classOf(name: string): CodeableConcept {
  return {
    ...(isFhirCode(name) && { coding: [{ system: CLASS_SYSTEM, code: name }] }),
    text: fhirString(name),
  };
}

function componentOf(code: CodeableConcept, valueQuantity: Quantity): ObservationComponent {
  return { code, valueQuantity };
}

function dimensionless(value: number): Quantity {
  return { value, unit: '1', system: UCUM, code: '1' };
}
