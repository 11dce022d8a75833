import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refusedResult, resultOf } from '../../src/runtime/appliance/make-result.ts';
import { modelAnnouncementOf, statusOf } from '../../src/telehealth/announcements.ts';
import { bytesOf } from '../../src/telehealth/payload.ts';
import { reasonsOfVersion1 } from '../../src/telehealth/result.ts';
import { publishedSchemas } from '../../src/telehealth/schemas.ts';
import { screenSchemas } from '../../src/ui/web/schemas.ts';
import { readings } from '../support/readings.ts';

const FOLDER = 'docs/schema';
const context = {
  id: '0b7a5b6e-2d0c-4b60-9d4a-0a6d9d7c1a11',
  device: 'scope-1',
  capturedAt: new Date(),
  source: 'replay',
} as const;

/** The schema as a receiver has it: from the published file, by another library than ours. */
function validatorOf(file: string) {
  const ajv = new Ajv2020({ strict: true, allErrors: true, formats: { uuid: true, 'date-time': true } });
  return ajv.compile(JSON.parse(readFileSync(`${FOLDER}/${file}`, 'utf8')));
}

const SCHEMAS = { ...publishedSchemas(), ...screenSchemas() };

describe('the published schemas', () => {
  it.each(Object.entries(SCHEMAS))('%s lies in docs/schema as it is', (file, schema) => {
    expect(JSON.parse(readFileSync(`${FOLDER}/${file}`, 'utf8'))).toEqual(schema);
  });

  it('are all there', () => {
    expect(readdirSync(FOLDER).sort()).toEqual([...Object.keys(SCHEMAS), 'configuration-1.json'].sort());
  });
});

describe('what the device publishes follows the published schema', () => {
  it('as a result', () => {
    const validate = validatorOf('result-1.json');
    const later = validatorOf('result-2.json');
    fc.assert(
      fc.property(readings, (reading) => {
        const result = asSent(resultOf(reading, context));
        const validator = Object(result).schema === 'spikescope/result/2' ? later : validate;
        expect(validator(result), JSON.stringify(validator.errors)).toBe(true);
        // The later version only adds: what an earlier one had means the same.
        const { triage: _, malignancy: __, unfamiliar: ___, ...rest } = Object(result);
        const reasons = reasonsOfVersion1(rest.reasons);
        expect(validate({ ...rest, reasons, schema: 'spikescope/result/1' })).toBe(true);
      }),
      { numRuns: 100 },
    );
    const refusal = { reason: 'failed', fault: 'INTERNAL' } as const;
    const model = { name: 'm', version: '1', digest: '0'.repeat(64) };
    expect(validate(asSent(refusedResult(refusal, context, { model, backend: 'cpu' })))).toBe(true);
    expect(validate({ ...context, schema: 'spikescope/result/1' })).toBe(false);
    expect(
      validate({ ...asSent(refusedResult(refusal, context, { model, backend: 'cpu' })), pixels: 'x' }),
    ).toBe(false);
  });

  it('as a status', () => {
    const validate = validatorOf('status-1.json');
    expect(validate(asSent(statusOf('scope-1', 'online', new Date())))).toBe(true);
    expect(validate(asSent(statusOf('scope-1', 'offline')))).toBe(true);
    expect(validate({ ...statusOf('scope-1', 'offline'), status: 'asleep' })).toBe(false);
  });

  it('as a model, below 4 kB also with thousands of long class names', () => {
    const validate = validatorOf('model-1.json');
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }), { maxLength: 4096 }),
        (names) => {
          const classes = ['first', ...names.map((name) => name.slice(0, 64))];
          const announcement = modelAnnouncementOf('scope-1', {
            model: { name: 'qana64', version: '1.0.0', digest: 'ab'.repeat(32) },
            backend: 'cpu',
            instructionSet: 'avx2',
            classes,
          });
          expect(validate(asSent(announcement)), JSON.stringify(validate.errors)).toBe(true);
          expect(bytesOf(JSON.stringify(announcement))).toBeLessThanOrEqual(4000);
          expect(announcement.classCount).toBe(classes.length);
        },
      ),
      { numRuns: 50 },
    );
  });
});

function asSent(document: object): object {
  const parsed: unknown = JSON.parse(JSON.stringify(document));
  if (typeof parsed !== 'object' || parsed === null) throw new Error('a document is an object');
  return parsed;
}
