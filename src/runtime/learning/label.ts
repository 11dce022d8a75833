import { SpikescopeError } from '../../errors.ts';
import { INDETERMINATE, RETAKE } from '../inference/head.ts';
import { MAXIMUM_CLASSES } from './state-file.ts';

/**
 * A label that can name a class.
 * @throws SpikescopeError `LABEL_INVALID`, `LABEL_LIMIT` when no further class can be added
 */
export function checkedLabel(label: string, classes: readonly string[]): string {
  if (classes.includes(label)) return label;
  if (!/^[\p{L}\p{N}][\p{L}\p{N} _.-]{0,63}$/u.test(label) || [RETAKE, INDETERMINATE].includes(label)) {
    throw new SpikescopeError('LABEL_INVALID', 'This label cannot name a class', {
      expected: `letters, digits, spaces, . _ -, at most 64, and neither ${RETAKE} nor ${INDETERMINATE}`,
      received: label.slice(0, 80),
    });
  }
  if (classes.length >= MAXIMUM_CLASSES) {
    throw new SpikescopeError('LABEL_LIMIT', 'No further class can be added', {
      expected: `at most ${MAXIMUM_CLASSES} classes`,
      received: label,
    });
  }
  return label;
}
