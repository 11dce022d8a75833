import type { SpikescopeError } from '../../../../errors.ts';
import type { ScreenState } from '../../contract.ts';
import type { FaultKey, RemedyKey } from '../../words.ts';

type Said = readonly [FaultKey, RemedyKey | null];

/** By the beginning of the code, the first that fits. */
const FAULTS: readonly (readonly [string, Said])[] = [
  ['CAPTURE_TIMEOUT', ['fault.no-frame', 'remedy.camera.restart']],
  ['CAMERA_', ['fault.camera', 'remedy.camera.connect']],
  ['JOURNAL_FULL', ['fault.storage-full', 'remedy.storage.free']],
  ['JOURNAL_DISK_FULL', ['fault.storage-full', 'remedy.storage.free']],
  ['JOURNAL_', ['fault.storage', 'remedy.storage.service']],
  ['DOCUMENT_', ['fault.storage', 'remedy.storage.service']],
  ['LEARNING_UNAVAILABLE', ['fault.learning-unavailable', null]],
  ['EVIDENCE_GONE', ['fault.reading-gone', 'remedy.again']],
  ['LABEL_', ['fault.label', 'remedy.again']],
  ['ENGINE_', ['fault.engine', 'remedy.service']],
  ['AKIDA_', ['fault.engine', 'remedy.card.service']],
];

/** What has gone wrong, in words of the page. */
export function faultSaid({ code }: Pick<SpikescopeError, 'code'>): NonNullable<ScreenState['ending']> {
  const [, [message, remedy]] = FAULTS.find(([start]) => code.startsWith(start)) ?? [
    '',
    ['fault.other', 'remedy.service'] satisfies Said,
  ];
  return { code, message, remedy };
}
