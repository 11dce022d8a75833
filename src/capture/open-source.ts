import { UsageError } from '../errors.ts';
import { libcameraType } from './camera/libcamera.ts';
import { v4l2Type } from './camera/v4l2.ts';
import type { SourceKind } from './kinds.ts';
import { phantomType } from './phantom.ts';
import { replayType } from './replay.ts';
import type { CaptureSource } from './source.ts';
import type { SourceOptions, SourceType } from './source-type.ts';

/** Every kind of source, by its word. */
const TYPES: Readonly<Record<SourceKind, SourceType>> = {
  phantom: phantomType,
  replay: replayType,
  libcamera: libcameraType,
  v4l2: v4l2Type,
};

/** All sources as a person types them, for help and errors: `phantom, replay:DIR, …`. */
export const SOURCES_HELP = listed(
  Object.values(TYPES).map(({ kind, place }) => (place === null ? kind : `${kind}:${place}`)),
);

/**
 * Opens what a setting names: a kind, with its place behind a colon where it has one.
 * @throws UsageError `SOURCE_UNKNOWN`, and as the kind's own
 */
export async function openSource(specification: string, options: SourceOptions): Promise<CaptureSource> {
  const [kind, place] = splitOnce(specification);
  const type = Object.values(TYPES).find((each) => each.kind === kind);
  if (type === undefined || (type.place === null) !== (place === null) || place === '') {
    throw new UsageError('SOURCE_UNKNOWN', 'There is no such source of captures', {
      field: '--source',
      expected: SOURCES_HELP,
      received: specification,
    });
  }
  return type.open(place ?? '', options);
}

function splitOnce(text: string): [string, string | null] {
  const at = text.indexOf(':');
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}

function listed(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
