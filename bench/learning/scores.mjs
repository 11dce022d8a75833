/** What a way of naming lesions gets right. */

/** Recall of each class and their mean, in per cent. @param nameOf input of an image’s head → name of a class */
export function score(nameOf, images) {
  const counts = new Map();
  for (const { dx, headInput } of images) {
    const { right, all } = counts.get(dx) ?? { right: 0, all: 0 };
    counts.set(dx, { right: right + Number(nameOf(headInput) === dx), all: all + 1 });
  }
  const recall = Object.fromEntries([...counts].map(([name, { right, all }]) => [name, (100 * right) / all]));
  return { recall, balancedAccuracy: mean(Object.values(recall)) };
}

export const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

/** Mean before and after of runs, and how far the runs lie apart. */
export function summary(runs, cases, figure) {
  const after = runs.map((run) => run.after[cases][figure]);
  return {
    before: mean(runs.map(({ before }) => before[figure])),
    after: mean(after),
    lowest: Math.min(...after),
    highest: Math.max(...after),
  };
}
