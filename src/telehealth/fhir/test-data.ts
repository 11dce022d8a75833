import type { Bundle, Meta } from '@medplum/fhirtypes';

/** HL7's code for what is of no patient. */
const TEST_DATA: Meta = {
  security: [
    {
      system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason',
      code: 'HTEST',
      display: 'test health data',
    },
  ],
};

/** The same message with itself and each resource in it marked as test data, so that none is taken for a patient's. */
export function asTestData(bundle: Bundle): Bundle {
  const entry = bundle.entry?.map(({ resource, ...rest }) =>
    resource ? { ...rest, resource: { ...resource, meta: TEST_DATA } } : rest,
  );
  return { ...bundle, meta: TEST_DATA, ...(entry && { entry }) };
}
