import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';

/** A few more than there are cores, so that none waits while another image is on its way between decoder and engine. */
const AT_ONCE = 2 * availableParallelism();

/** Maps items by work of which several run at once; results in the order of the items. */
export function mapConcurrently<Item, Result>(
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const limit = pLimit(AT_ONCE);
  return Promise.all(items.map((item, index) => limit(work, item, index)));
}
