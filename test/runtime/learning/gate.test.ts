/** The rules of the safety gate. A patient hangs on each of them. */
import { describe, expect, it } from 'vitest';
import { gateCheck, keptGateCheck, TOLERANCE } from '../../../src/runtime/learning/gate.ts';
import type { HoldOutFigures, HoldOutJudgement } from '../../../src/runtime/learning/hold-out.ts';

const FIGURES = ['balancedAccuracy', 'sensitivity', 'triageSensitivity', 'watchedTriageSensitivity'] as const;
type Figure = (typeof FIGURES)[number];

const BASE = {
  ...{ balancedAccuracy: 0.5, sensitivity: 0.5 },
  ...{ triageSensitivity: 0.5, watchedTriageSensitivity: 0.5 },
};
/** Figures of one half each, but for those that are told. */
const at = (told: Partial<HoldOutFigures> = {}): HoldOutFigures => ({ ...BASE, ...told });
const judged = (
  counted: Partial<HoldOutFigures> = {},
  smoothed: Partial<HoldOutFigures> = {},
): HoldOutJudgement => ({
  ...{ counted: at(counted), smoothed: at(smoothed) },
});
const fine = { grain: at(Object.fromEntries(FIGURES.map((figure) => [figure, 0.001]))), watchedClass: 'mel' };
/** One case is worth 2.5 points. */
const coarse = { ...fine, grain: at(Object.fromEntries(FIGURES.map((figure) => [figure, 0.025]))) };
const HAIR = 1e-8;

describe.each(FIGURES)('the gate, of %s', (figure) => {
  const only = (value: number | null) => ({ [figure]: value }) as Record<Figure, number>;

  it.each([0.25, 0.5, 0.75, 1])(
    'lets a head pass that lost exactly the tolerance, and none that lost more (from %d)',
    (before) => {
      const [limit, beyond] = [before - TOLERANCE, before - TOLERANCE - HAIR];
      const counted = judged(only(before));
      expect(gateCheck(counted, judged(only(limit)), fine)).toBeNull();
      expect(gateCheck(counted, judged(only(beyond)), fine)).not.toBeNull();
      const smoothed = judged({}, only(before));
      expect(gateCheck(smoothed, judged({}, only(limit)), fine)).toBeNull();
      expect(gateCheck(smoothed, judged({}, only(beyond)), fine)).not.toBeNull();
    },
  );

  it('lets one case go where it is worth more than the tolerance, and no second one', () => {
    const one = only(0.5 - 0.025);
    expect(gateCheck(judged(), judged(one), coarse)).toBeNull();
    expect(gateCheck(judged(), judged(only(0.5 - 0.025 - HAIR)), coarse)).not.toBeNull();
    expect(gateCheck(judged(), judged(only(0.5 - 0.05)), coarse)).not.toBeNull();
  });

  it('knows no such allowance for what is smoothed, however few cases there are', () => {
    expect(gateCheck(judged(), judged({}, only(0.5 - 0.025)), coarse)).not.toBeNull();
  });

  it('weighs no gain against a loss', () => {
    const better = Object.fromEntries(FIGURES.map((each) => [each, 1]));
    expect(gateCheck(judged(), judged({ ...better, ...only(0.4) }, better), fine)).not.toBeNull();
    expect(gateCheck(judged(), judged(better, { ...better, ...only(0.4) }), fine)).not.toBeNull();
    expect(gateCheck(judged(), judged(better, better), fine)).toBeNull();
  });

  it('takes a share of nothing for what it is', () => {
    expect(gateCheck(judged(), judged(only(0)), fine)).not.toBeNull();
    expect(gateCheck(judged(only(0)), judged(only(0)), fine)).toBeNull();
  });

  it('asks for nothing where it is not known', () => {
    expect(gateCheck(judged(only(null)), judged(only(0)), fine)).toBeNull();
    expect(gateCheck(judged(), judged(only(null)), fine)).toBeNull();
  });

  it('asks of a head that was kept before for what is counted alone, as the gate did that kept it', () => {
    expect(keptGateCheck(judged(), judged({}, only(0)), fine)).toBeNull();
    expect(keptGateCheck(judged(), judged(only(0.5 - TOLERANCE)), fine)).toBeNull();
    expect(keptGateCheck(judged(), judged(only(0.5 - TOLERANCE - HAIR)), fine)).not.toBeNull();
    expect(keptGateCheck(judged(), judged(only(0.5 - 0.025)), coarse)).toBeNull();
  });
});

describe('the gate', () => {
  it('is one point wide', () => {
    expect(TOLERANCE).toBe(0.01);
  });

  it('asks nothing of triage where the bundle does not triage', () => {
    const { balancedAccuracy, sensitivity } = BASE;
    const without = { balancedAccuracy, sensitivity };
    const judgement = { counted: without, smoothed: without };
    expect(gateCheck(judgement, judgement, { grain: without, watchedClass: 'mel' })).toBeNull();
  });

  it('says what would be lost, from what, and what may be; points where points are meant', () => {
    expect(gateCheck(judged({ sensitivity: 0.675 }), judged({ sensitivity: 0.625 }), coarse)).toBe(
      'having learned it, the device would recognise mel in 62.5 % instead of 67.5 % of its own check images: ' +
        '5.0 points less, and at most 2.5 points may be lost',
    );
    expect(gateCheck(judged({ balancedAccuracy: 0.8 }), judged({ balancedAccuracy: 0.7 }), fine)).toBe(
      'having learned it, the device would name the class rightly in 70.0 % instead of 80.0 % of its own check images: ' +
        '10.0 points less, and at most 1 point may be lost',
    );
    expect(gateCheck(judged(), judged({ triageSensitivity: 0.4 }), fine)).toContain(
      'refer malignant lesions in',
    );
    expect(gateCheck(judged(), judged({ watchedTriageSensitivity: 0.4 }), fine)).toContain('refer mel in');
  });

  it('names the largest loss, what is counted before what is smoothed', () => {
    const more = judged({ sensitivity: 0.4, triageSensitivity: 0.3 }, { balancedAccuracy: 0 });
    expect(gateCheck(judged(), more, fine)).toContain('refer malignant lesions in 30.0 %');
    expect(gateCheck(judged(), judged({}, { balancedAccuracy: 0.3, sensitivity: 0.4 }), fine)).toContain(
      'name the class rightly in 30.0 %',
    );
  });

  it('rounds a loss up, so that one that is too large never reads like one that is not', () => {
    expect(gateCheck(judged(), judged({ sensitivity: 0.4899 }), fine)).toContain('1.1 points less');
    expect(gateCheck(judged(), judged({ sensitivity: 0.488 }), fine)).toContain('1.2 points less');
  });

  it('fits a command’s answer, whatever the class is called', () => {
    const long = { ...fine, watchedClass: 'm'.repeat(64) };
    const reason = gateCheck(judged({ sensitivity: 1 }), judged({ sensitivity: 0 }), long);
    expect(reason?.length).toBeLessThanOrEqual(256);
  });
});
