import { describe, expect, it } from 'vitest';
import { calibrate } from '../../src/evaluation/calibration/calibrate.ts';
import type { View, Views } from '../../src/evaluation/calibration/views.ts';
import { seededRandom } from '../../src/random.ts';
import { softmax } from '../../src/runtime/inference/readout.ts';
import { tinyModel, tinyTable } from '../support/tiny-model.ts';

const model = tinyModel();
const ALPHA = 0.0005;

/** Labels drawn with ALPHA from the potentials; `reading` says what crop and tiles see. */
function viewsOf(
  reading: (whole: Int32Array, label: number) => { cropped?: View; tiled?: Int32Array },
): Views[] {
  const random = seededRandom(11);
  return Array.from({ length: 4000 }, (_, i) => {
    const whole = Int32Array.from({ length: 2 }, () => Math.round((random() - 0.5) * 16_000));
    const label = random() < softmax(ALPHA, whole)[0] ? 0 : 1;
    const { cropped, tiled = whole } = reading(whole, label);
    const centred = { whole, tiled };
    return {
      sample: { imageId: `${i}`, file: '', label, lesionId: null, split: 'val' as const },
      centred,
      cropped: cropped ?? centred,
    };
  });
}

const perfect = (label: number): Int32Array => Int32Array.from([0, 1], (c) => (c === label ? 9000 : -9000));
const opposite = (label: number): Int32Array => perfect(1 - label);

describe('calibration on a split', () => {
  it('recovers α, and with it nearly removes the calibration error', () => {
    const { calibrated, uncalibrated } = calibrate(
      model,
      viewsOf(() => ({})),
    );
    expect(calibrated.alpha / ALPHA).toBeCloseTo(1, 0);
    expect(uncalibrated.alpha).toBe(model.graph.head.scale);
    expect(calibrated.ece).toBeLessThan(uncalibrated.ece / 2);
    expect(calibrated.ece).toBeLessThan(0.03);
  });

  it('triggers tiling on 18 % of the split', () => {
    expect(
      calibrate(
        model,
        viewsOf(() => ({})),
      ).triggerShare,
    ).toBeCloseTo(0.18, 2);
  });

  it('keeps crop and tiling off where they change nothing', () => {
    const { crop, tiling } = calibrate(
      model,
      viewsOf(() => ({})),
    );
    expect(crop).toMatchObject({ enabled: false, decidedBy: 'evidence' });
    expect(tiling).toMatchObject({ enabled: false, decidedBy: 'evidence' });
    expect(crop.with).toEqual(crop.without);
  });

  it('turns a crop on that helps, and reads everything after it through the crop', () => {
    const { crop, final } = calibrate(
      model,
      viewsOf((_, label) => ({ cropped: { whole: perfect(label), tiled: perfect(label) } })),
    );
    expect(crop.enabled).toBe(true);
    expect(crop.with.top1).toBe(1);
    expect(final.top1).toBe(1);
  });

  it('leaves a crop off that harms', () => {
    const { crop, final } = calibrate(
      model,
      viewsOf((_, label) => ({ cropped: { whole: opposite(label), tiled: opposite(label) } })),
    );
    expect(crop.enabled).toBe(false);
    expect(crop.with.top1).toBe(0);
    expect(final.top1).toBe(crop.without.top1);
  });

  it('turns tiling on where it helps, and off where it harms', () => {
    const helps = calibrate(
      model,
      viewsOf((_, label) => ({ tiled: perfect(label) })),
    );
    expect(helps.tiling.enabled).toBe(true);
    expect(helps.final.top1).toBe(helps.tiling.with.top1);
    expect(helps.tiling.with.top1).toBeGreaterThan(helps.tiling.without.top1);
    const harms = calibrate(
      model,
      viewsOf((_, label) => ({ tiled: opposite(label) })),
    );
    expect(harms.tiling.enabled).toBe(false);
    expect(harms.final.top1).toBe(harms.tiling.without.top1);
  });

  it('fits thresholds to the readings as they will be made', () => {
    const { thresholds, indeterminateShare } = calibrate(
      model,
      viewsOf((_, label) => ({ cropped: { whole: perfect(label), tiled: perfect(label) } })),
    );
    for (const threshold of thresholds) expect(threshold).toBeGreaterThan(0);
    expect(indeterminateShare).toBe(0);
  });
});

describe('the rule of triage', () => {
  const known = { ...model, classTable: tinyTable() };
  const views = viewsOf(() => ({}));

  it('finds the share of malignant lesions that was asked for, on the readings as they will be made', () => {
    for (const sensitivity of [0.8, 0.95]) {
      const { triage } = calibrate(known, views, { triageSensitivity: sensitivity });
      expect(triage?.malignant).toEqual(['malign']);
      expect(triage?.sensitivity).toBe(sensitivity);
      const { value, low, high } = triage?.expected.sensitivity ?? { value: 0, low: 0, high: 0 };
      expect(value).toBeGreaterThanOrEqual(sensitivity);
      expect(value).toBeLessThan(sensitivity + 0.01);
      expect(low).toBeLessThan(value);
      expect(high).toBeGreaterThan(value);
    }
  });

  it('spares fewer of the others, the more it is to find', () => {
    const specificities = [0.7, 0.9, 0.99].map(
      (triageSensitivity) =>
        calibrate(known, views, { triageSensitivity }).triage?.expected.specificity.value ?? 0,
    );
    expect(specificities).toEqual(specificities.toSorted((a, b) => b - a));
    expect(specificities[0]).toBeGreaterThan(specificities[2] + 0.1);
  });

  it('is none where nothing is known of the classes', () => {
    expect(calibrate(model, views).triage).toBeNull();
  });
});
