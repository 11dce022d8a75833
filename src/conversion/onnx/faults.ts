/** What was wrong with the nodes of a model, in one message. */
import { RefusedError } from '../../errors.ts';
import { groupBy } from '../../group-by.ts';
import type { LabelledNode } from './order.ts';

/** Nodes that are named where many have one fault: enough to find them all in a viewer. */
const MOST_NAMED = 4;

/** One fault is thrown as it is; several are listed in one message under the code of the first, those alike in one line. */
export function refuseFaults(faults: readonly RefusedError[], nodes: readonly LabelledNode[]): void {
  if (faults.length === 0) return;
  const counted = nodes.filter(({ node }) => node.opType !== 'Constant').length;
  const rate = 1 - faults.length / counted;
  const share = `conversion success rate ${rate.toFixed(3)}, ${faults.length} of ${counted} nodes`;
  if (faults.length === 1) {
    const [{ code, message, details }] = faults;
    throw new RefusedError(code, `${message} (${share})`, details);
  }
  const alike = groupBy(faults, ({ message, details: { received, remedy } }) => {
    return `${message}${received ? `: received ${received}` : ''}${remedy ? `; ${remedy}` : ''}`;
  });
  const lines = [...alike].map(([text, group]) => `${namesOf(group)}: ${text}`);
  throw new RefusedError(
    faults[0].code,
    `The model cannot be converted (${share}):\n  ${lines.join('\n  ')}\n`,
    { node: namesOf(faults) },
  );
}

function namesOf(faults: readonly RefusedError[]): string {
  const names = faults.map(({ details }) => details.node);
  const more = names.length - MOST_NAMED;
  return more > 1 ? `${names.slice(0, MOST_NAMED).join(', ')} and ${more} more` : names.join(', ');
}
