import { UsageError } from '../errors.ts';
import { PhantomSource } from './phantom.ts';
import { ReplaySource } from './replay.ts';
import type { CaptureSource } from './source.ts';

export interface SourceOptions {
  /** Unsigned 32-bit seed of phantoms. */
  readonly seed: number;
  /** Whether a folder starts over after its last image. */
  readonly endless: boolean;
}

/**
 * Opens what `--source` names: `phantom` or `replay:DIR`.
 * @throws UsageError `SOURCE_UNAVAILABLE` for cameras, `SOURCE_UNKNOWN` for anything else, and as `ReplaySource.open`
 */
export async function openSource(
  specification: string,
  { seed, endless }: SourceOptions,
): Promise<CaptureSource> {
  if (specification === 'phantom') return new PhantomSource(seed);
  const [kind, place] = splitOnce(specification);
  if (kind === 'replay' && place) return ReplaySource.open(place, { endless });
  if (specification === 'libcamera' || kind === 'v4l2') {
    throw new UsageError('SOURCE_UNAVAILABLE', 'Cameras are not in this version', {
      field: '--source',
      expected: 'phantom or replay:DIR',
      received: specification,
      remedy: 'save frames to a folder and replay them with --source replay:DIR',
    });
  }
  throw new UsageError('SOURCE_UNKNOWN', 'There is no such source of captures', {
    field: '--source',
    expected: 'phantom or replay:DIR',
    received: specification,
  });
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf(':');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
