/** Multiplication in the dihedral group of order ten. */
const PRODUCT = [
  '0123456789',
  '1234067895',
  '2340178956',
  '3401289567',
  '4012395678',
  '5987604321',
  '6598710432',
  '7659821043',
  '8765932104',
  '9876543210',
] as const;
/** What a digit becomes at each place from the right, over and over. */
const PERMUTATION = [
  '0123456789',
  '1576283094',
  '5803796142',
  '8916043527',
  '9453126870',
  '4286573901',
  '2793806415',
  '7046913258',
] as const;

/**
 * Whether a text can identify a SNOMED CT concept: 6 to 18 digits, a concept by its partition (00 or 10), and a right check
 * digit (Verhoeff), which catches every wrong digit and every pair that changed places. Source: SNOMED CT Release File
 * Specifications, “SCTID”.
 */
export function isSnomedConcept(text: string): boolean {
  if (!/^[1-9]\d{2,14}[01]0\d$/.test(text)) return false;
  const check = [...text].reverse().reduce((product, digit, place) => {
    const permuted = PERMUTATION[place % PERMUTATION.length][Number(digit)];
    return Number(PRODUCT[product][Number(permuted)]);
  }, 0);
  return check === 0;
}
