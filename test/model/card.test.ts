import { describe, expect, it } from 'vitest';
import { RefusedError } from '../../src/errors.ts';
import type { CardTriage } from '../../src/model/bundle/card.ts';
import {
  CLASS_TABLE_FORMAT,
  FIRST_FORMAT,
  packContainer,
  TRIAGE_FORMAT,
} from '../../src/model/bundle/container.ts';
import { documentOf } from '../../src/model/bundle/document.ts';
import { parseBundle } from '../../src/model/bundle/read.ts';
import { bundleBytes } from '../../src/model/bundle/write.ts';
import { tinyModel } from '../support/tiny-model.ts';

const figure = { value: 0.9, low: 0.8, high: 1 };
const triage: CardTriage = {
  split: 'val',
  threshold: 0.05,
  promised: 0.95,
  ...{ sensitivity: figure, watchedSensitivity: null, specificity: figure },
  groups: [
    {
      ...{ attribute: 'sex', name: 'female', malignant: 3, benign: 0 },
      ...{ sensitivity: figure, watchedSensitivity: null, specificity: null },
    },
  ],
};
const tiny = tinyModel();
const withCard = (more: object) => ({ ...tiny, card: { ...tiny.card, ...more } });

describe('a card that says what a model is for and what its triage is worth', () => {
  it('reads back as it was written, in a format that older programs refuse with advice', () => {
    for (const more of [{ intendedUse: 'for tests' }, { triage }, { intendedUse: 'for tests', triage }]) {
      const bytes = bundleBytes(withCard(more));
      expect(parseBundle(bytes, 'model').card).toEqual({ ...tiny.card, ...more });
      expect(Buffer.from(bytes).readUInt32LE(8)).toBe(TRIAGE_FORMAT);
    }
    expect(Buffer.from(bundleBytes(tiny)).readUInt32LE(8)).toBe(FIRST_FORMAT);
  });

  it('is refused in a format that does not know it, and with what it does not have', () => {
    const refusal = (more: object, format: number) => {
      const { document, data } = documentOf(withCard(more));
      try {
        return parseBundle(packContainer(document, data, undefined, format), 'model');
      } catch (error) {
        return error;
      }
    };
    const old = refusal({ triage }, CLASS_TABLE_FORMAT);
    expect(old).toBeInstanceOf(RefusedError);
    expect(old).toMatchObject({ code: 'BUNDLE_SCHEMA', details: { field: 'card.triage' } });
    expect(refusal({ intendedUse: '' }, FIRST_FORMAT)).toMatchObject({
      details: { field: 'card.intendedUse' },
    });
    for (const wrong of [{ threshold: 1.1 }, { sensitivity: null }, { colour: 'green' }]) {
      expect(refusal({ triage: { ...triage, ...wrong } }, TRIAGE_FORMAT)).toMatchObject({
        code: 'BUNDLE_SCHEMA',
      });
    }
  });
});
