/** Results in the making ahead of the one handed out. */
const AHEAD = 2;

/**
 * Makes result after result ahead of whoever reads them. A failure surfaces at the result that it belongs to; whoever
 * stops early waits for what is in the making.
 */
export async function* ahead<Result>(
  count: number,
  make: (number: number) => Promise<Result>,
): AsyncGenerator<Result, void, undefined> {
  const making: Promise<Result>[] = [];
  let started = 0;
  const keepBusy = (most: number) => {
    for (; started < Math.min(count, most); started++) {
      const result = make(started);
      // Whoever reads it hears of a failure; until then it is not an unhandled one.
      result.catch(() => {});
      making.push(result);
    }
  };
  try {
    for (let handedOut = 0; handedOut < count; handedOut++) {
      keepBusy(handedOut + 1 + AHEAD);
      const [result] = making.splice(0, 1);
      yield await result;
    }
  } finally {
    await Promise.allSettled(making);
  }
}
