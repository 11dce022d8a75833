import { seededRandom } from '../../random.ts';

/** The items in an order that follows from the seed alone (Fisher–Yates). */
export function shuffled<Item>(items: Iterable<Item>, seed: number): Item[] {
  const order = [...items];
  const random = seededRandom(seed);
  for (let last = order.length - 1; last > 0; last--) {
    const chosen = Math.floor(random() * (last + 1));
    [order[last], order[chosen]] = [order[chosen], order[last]];
  }
  return order;
}
