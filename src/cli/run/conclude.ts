import { EXIT, type ExitCode, SpikescopeError } from '../../errors.ts';
import type { Tally } from '../../runtime/appliance/appliance.ts';
import { note } from '../../ui/terminal/console.ts';

/** What became of the results. */
export interface Outcome {
  /** In the journal, not acknowledged by the broker. */
  readonly unpublished: number;
  /** Acknowledged by the broker, not received back. */
  readonly notReceived: number;
}

/** A stop on request is no failure, whatever was still on its way: it is in the journal. */
export function conclude(
  { captures, retakes }: Tally,
  { unpublished, notReceived }: Outcome,
  isStopped: boolean,
): ExitCode {
  const readings = `${captures} ${captures === 1 ? 'capture' : 'captures'}, ${retakes} of them to be retaken`;
  if (isStopped || (unpublished === 0 && notReceived === 0)) {
    note(`${readings}${unpublished > 0 ? `; ${unpublished} remain in the journal unpublished` : ''}`);
    return EXIT.done;
  }
  if (unpublished > 0) {
    throw new SpikescopeError('RESULTS_UNPUBLISHED', 'Results remain in the journal unpublished', {
      expected: 'every result acknowledged by the broker',
      received: `${unpublished} of them not`,
      remedy: 'check the broker; they are safe in the journal, and the next run sends them',
    });
  }
  throw new SpikescopeError(
    'RESULTS_NOT_RECEIVED',
    'The broker acknowledged results that did not come back',
    {
      expected: `${captures} results received by the display`,
      received: `${notReceived} of them not`,
      remedy: 'they are in the journal; check the rights that the broker gives this device',
    },
  );
}
