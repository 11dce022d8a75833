/**
 * How a device takes up the first cases of a clinic: validation lesions that are in neither set of the bundle, one image of
 * each, by device code alone.
 */

import { seededRandom } from '../../random.ts';
import type { OpenModel } from '../../runtime/engine/open-model.ts';
import { LearningDevice } from './learning-device.ts';
import { labelledImages, readAll, stream } from './read-images.ts';
import type { ReadImage } from './scores.ts';

const CLINICS = 5;
const CASES = 25;

/** Who says what a lesion is: whoever confirms what is proposed, or whoever knows. */
export const LABELLERS = ['proposed', 'true'] as const;
type Labeller = (typeof LABELLERS)[number];

export interface ClinicReport {
  /** Lesions to draw from. */
  readonly lesions: number;
  readonly cases: number;
  /** Of each clinic. */
  readonly clinics: Readonly<Record<Labeller, readonly ClinicRun[]>>;
}

export interface ClinicRun {
  readonly kept: number;
  /** Cases that were turned down one after the other, at most. */
  readonly longestRefusal: number;
  readonly withinGate: boolean;
}

/** @throws SpikescopeError `LEARNING_UNAVAILABLE` when the bundle has no guard set */
export async function measureClinics(
  model: OpenModel,
  { dataset, note }: { readonly dataset: string; readonly note: (line: string) => void },
): Promise<ClinicReport> {
  const rows = labelledImages(dataset).filter(({ split }) => split === 'val');
  const strangers = outside(model, await readAll(model, dataset, rows));
  const clinics = { proposed: [] as ClinicRun[], true: [] as ClinicRun[] };
  for (const labeller of LABELLERS) {
    for (let clinic = 1; clinic <= CLINICS; clinic++) {
      const run = await clinicRun(model, stream(strangers, seededRandom(clinic)).slice(0, CASES), labeller);
      clinics[labeller].push(run);
      note(`labels ${labeller}, clinic ${clinic} of ${CLINICS}: ${run.kept} of ${CASES} kept`);
    }
  }
  return { lesions: new Set(strangers.map(({ lesionId }) => lesionId)).size, cases: CASES, clinics };
}

/** Images of lesions of which the bundle has none. */
export function outside({ bundle: { learning } }: OpenModel, images: readonly ReadImage[]): ReadImage[] {
  if (learning === undefined) return [...images];
  const { features } = learning;
  const known = new Set(
    [learning.guard, learning.rehearsal].flatMap(({ pooled, labels }) =>
      Array.from(labels, (_, i) => pooled.subarray(i * features, (i + 1) * features).join()),
    ),
  );
  const lesions = new Set(
    images.filter(({ headInput }) => known.has(headInput.pooled.join())).map(({ lesionId }) => lesionId),
  );
  return images.filter(({ lesionId }) => !lesions.has(lesionId));
}

async function clinicRun(
  { bundle }: OpenModel,
  cases: readonly ReadImage[],
  labeller: Labeller,
): Promise<ClinicRun> {
  const device = await LearningDevice.open(bundle);
  try {
    let [kept, refused, longestRefusal, withinGate] = [0, 0, 0, true];
    for (const { imageId, dx, headInput } of cases) {
      const label = labeller === 'true' ? dx : device.nameOf(headInput);
      const isKept = await device.teach(imageId, headInput, label);
      kept += Number(isKept);
      refused = isKept ? 0 : refused + 1;
      longestRefusal = Math.max(longestRefusal, refused);
      withinGate &&= device.isWithinGate;
    }
    return { kept, longestRefusal, withinGate };
  } finally {
    device.close();
  }
}
