/** What was wrong with the nodes of a model, in one message. */
import { RefusedError } from '../../errors.ts';
import type { LabelledNode } from './order.ts';

/** One fault is thrown as it is; several are listed in one message, under the code of the first. */
export function refuseFaults(faults: readonly RefusedError[], nodes: readonly LabelledNode[]): void {
  if (faults.length === 0) return;
  const counted = nodes.filter(({ node }) => node.opType !== 'Constant').length;
  const rate = 1 - faults.length / counted;
  const share = `conversion success rate ${rate.toFixed(3)}, ${faults.length} of ${counted} nodes`;
  if (faults.length === 1) {
    const [{ code, message, details }] = faults;
    throw new RefusedError(code, `${message} (${share})`, details);
  }
  const lines = faults.map(({ message, details }) => {
    const received = details.received ? `: received ${details.received}` : '';
    return `${details.node}: ${message}${received}${details.remedy ? `; ${details.remedy}` : ''}`;
  });
  throw new RefusedError(
    faults[0].code,
    `The model cannot be converted (${share}):\n  ${lines.join('\n  ')}\n`,
    {
      node: faults.map(({ details }) => details.node).join(', '),
    },
  );
}
