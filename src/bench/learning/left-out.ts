/** A class that a head does not have, though its network has seen it: what a device would have to learn of it. */
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import type { LabelledEmbeddings } from '../../model/bundle/learning-section.ts';
import type { ReadImage } from './scores.ts';

/**
 * A bundle whose head lacks a class, as far as learning looks at it; nothing reads images with it.
 * @param index of the class in the graph
 */
export function bundleWithout(bundle: ModelBundle, index: number): ModelBundle {
  const { graph, learning, triage } = bundle;
  const name = graph.classes[index];
  const isOther = (other: string) => other !== name;
  return {
    ...bundle,
    graph: { ...graph, classes: graph.classes.filter(isOther) },
    ...(triage && { triage: { ...triage, malignant: triage.malignant.filter(isOther) } }),
    ...(learning && {
      learning: {
        ...learning,
        watchedClass: learning.watchedClass === name ? null : learning.watchedClass,
        guard: casesWithout(learning.guard, index),
        rehearsal: casesWithout(learning.rehearsal, index),
      },
    }),
  };
}

/** What the device keeps of an image when its head lacks the class. */
export function imageWithout(image: ReadImage, index: number): ReadImage {
  const { pooled, potentials } = image.headInput;
  return { ...image, headInput: { pooled, potentials: potentials.filter((_, c) => c !== index) } };
}

function casesWithout({ pooled, potentials, labels }: LabelledEmbeddings, index: number): LabelledEmbeddings {
  const [features, classes] = [pooled.length / labels.length, potentials.length / labels.length];
  const isKept = (i: number) => labels[i] !== index;
  return {
    pooled: pooled.filter((_, at) => isKept(Math.floor(at / features))),
    potentials: potentials.filter((_, at) => isKept(Math.floor(at / classes)) && at % classes !== index),
    labels: labels.filter((label) => label !== index).map((label) => label - Number(label > index)),
  };
}
