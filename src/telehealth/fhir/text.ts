/** A text as FHIR's type `string` admits it (R4, §2.24.0.1): no control characters beside tab and line ends, not blank. */
export function fhirString(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must go
  const printed = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '\ufffd');
  return /\S/.test(printed) ? printed : '\ufffd';
}

/** Whether a text can be a FHIR `code`: words with single spaces between them. */
export function isFhirCode(text: string): boolean {
  return /^\S+( \S+)*$/.test(text) && fhirString(text) === text;
}
