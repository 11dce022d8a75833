/** Why a capture must be taken again, in words. */
const REASONS: Readonly<Record<string, string>> = {
  'too-small': 'too few pixels',
  flat: 'nothing to see, too little contrast',
  clipped: 'over- or underexposed',
  dark: 'too dark',
  bright: 'too bright',
  torn: 'part of the frame is missing',
  'out-of-focus': 'out of focus',
  'out-of-scope': 'no skin lesion recognised: aim at the lesion',
  unreadable: 'the frame cannot be read',
  failed: 'the reading failed',
};

/** @param reasons as results have them; one without words stays as it is */
export function reasonsInWords(reasons: readonly string[]): string {
  return reasons.map((reason) => REASONS[reason] ?? reason).join('; ');
}

/** Of a reading whose lesion is unlike those of training. */
export const UNFAMILIAR = 'unfamiliar, unlike the lesions of training';
