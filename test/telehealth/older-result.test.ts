import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resultOf } from '../../src/runtime/appliance/make-result.ts';
import { publicationOf } from '../../src/telehealth/message.ts';
import { resultUpTo } from '../../src/telehealth/older-result.ts';
import {
  reasonsOfVersion1,
  resultSchema1,
  resultSchema2,
  resultSchema3,
} from '../../src/telehealth/result.ts';
import { topicsOf } from '../../src/telehealth/topics.ts';
import { readings } from '../support/readings.ts';

const context = { id: randomUUID(), device: 'scope-1', capturedAt: new Date(0), source: 'replay' } as const;

describe('a result for receivers of the first version', () => {
  it('is one that they read strictly, with everything that the first version has', () => {
    fc.assert(
      fc.property(readings, (reading) => {
        const result = resultOf(reading, context);
        const sent: unknown = JSON.parse(resultUpTo(1, JSON.stringify(result)));
        expect(resultSchema1.safeParse(sent).success).toBe(true);
        const added = { triage: null, malignancy: null, unfamiliar: null };
        const { triage: _, malignancy: __, unfamiliar: ___, ...first } = { ...added, ...result };
        const reasons = reasonsOfVersion1(first.reasons);
        expect(sent).toEqual({ ...first, schema: 'spikescope/result/1', reasons });
      }),
    );
  });

  it('is the very same bytes where it is of the first version, or of none that this program knows', () => {
    fc.assert(
      fc.property(readings, (reading) => {
        const first = resultUpTo(1, JSON.stringify(resultOf(reading, context)));
        expect(resultUpTo(1, ` ${first} `)).toBe(` ${first} `);
      }),
    );
    const other = '{"schema":"spikescope/result/9","triage":"refer"}';
    expect(resultUpTo(1, other)).toBe(other);
  });

  it('is described on the wire as what it is, while its FHIR form says all', () => {
    const judged = {
      ...fc.sample(readings, 1)[0],
      accepted: true,
      triage: 'refer',
      malignancy: 0.5,
    } as const;
    const payload = JSON.stringify(resultOf(judged, context));
    const message = {
      sequence: 1,
      reading: null,
      channel: 'result',
      session: 's',
      id: context.id,
      payload,
    } as const;
    const topics = topicsOf('scope-1');
    const sent = publicationOf(message, topics, undefined, 1);
    expect(sent.userProperties).toMatchObject({ schema: 'spikescope/result/1' });
    expect(sent.payload).toBe(resultUpTo(1, payload));
    expect(publicationOf(message, topics).payload).toBe(payload);
    const fhir = { ...message, channel: 'fhir' } as const;
    expect(publicationOf(fhir, topics, undefined, 1)).toEqual(publicationOf(fhir, topics));
    expect(publicationOf(fhir, topics, undefined, 1).payload).toContain('refer');
  });
});

describe('a result that says of whom it is', () => {
  const patient = { encounter: 'E-17', subject: 'P-4711', bodySite: '77568009' } as const;

  it('says so to receivers of the third version alone, and to others what it would say without', () => {
    fc.assert(
      fc.property(readings, (reading) => {
        const third = JSON.stringify(resultOf(reading, { ...context, patient }));
        expect(resultSchema3.safeParse(JSON.parse(third)).success).toBe(true);
        expect(resultUpTo(3, third)).toBe(third);
        const second = resultUpTo(2, third);
        expect(resultSchema2.safeParse(JSON.parse(second)).success).toBe(true);
        expect(second).not.toMatch(/E-17|P-4711|77568009/);
        const first = resultUpTo(1, third);
        expect(resultSchema1.safeParse(JSON.parse(first)).success).toBe(true);
        // As without, but for classes that had to make room for the patient.
        const { probabilities, ...rest } = JSON.parse(first);
        const without = JSON.parse(resultUpTo(1, JSON.stringify(resultOf(reading, context))));
        expect({ ...rest, probabilities: without.probabilities }).toEqual(without);
        expect(Object.keys(without.probabilities)).toEqual(
          expect.arrayContaining(Object.keys(probabilities)),
        );
      }),
      { numRuns: 30 },
    );
  });

  it('is sent to nobody unless the configuration says that receivers read that version', () => {
    const payload = JSON.stringify(resultOf(fc.sample(readings, 1)[0], { ...context, patient }));
    const topics = topicsOf('scope-1');
    const message = {
      ...{ sequence: 1, reading: null, session: 's', id: context.id, payload },
      channel: 'result',
    } as const;
    expect(publicationOf(message, topics).payload).not.toContain('E-17');
    expect(publicationOf(message, topics, undefined, 3).payload).toContain('E-17');
    const fhir = publicationOf({ ...message, channel: 'fhir' }, topics).payload;
    expect(JSON.parse(fhir).entry[1].resource).toMatchObject({
      subject: { identifier: { value: 'P-4711' } },
      encounter: { identifier: { value: 'E-17' } },
    });
    expect(fhir).toContain('"bodySite":{"coding":[{"system":"http://snomed.info/sct","code":"77568009"}]}');
  });
});
