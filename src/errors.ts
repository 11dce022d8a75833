import { getSystemErrorMap } from 'node:util';

/** What the command line exits with; other programs rely on these numbers. */
export const EXIT = { done: 0, failed: 1, usage: 2, refused: 3 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Where in the outside world a fault lies: a file, a graph node, a field, an option. */
export interface FaultLocation {
  readonly file?: string;
  readonly node?: string;
  readonly field?: string;
}

export interface FaultDetails extends FaultLocation {
  /** What was needed, in the reader's terms. */
  readonly expected?: string;
  /** What was there instead. */
  readonly received?: string;
  /** What the reader can do about it. */
  readonly remedy?: string;
  readonly cause?: unknown;
}

/**
 * A fault that a person can act on. Every error that leaves a room of the project is one of these:
 * it carries a stable `code` (upper snake case), the exit code of the command line, and says what was
 * expected, what came, where, and what to do.
 */
export class SpikescopeError extends Error {
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly details: FaultDetails;

  constructor(code: string, message: string, details: FaultDetails = {}, exitCode: ExitCode = EXIT.failed) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'SpikescopeError';
    this.code = code;
    this.exitCode = exitCode;
    this.details = details;
  }

  /** For a terminal or a log: message, place, expectation, remedy. Control characters from outside are shown, not obeyed. */
  describe(): string {
    const { file, node, field, expected, received, remedy } = printableDetails(this.details);
    const place = [file, node && `node ${node}`, field && placeWords(field)].filter(Boolean).join(', ');
    const difference = [expected && `expected ${expected}`, received && `received ${received}`]
      .filter(Boolean)
      .join(', ');
    const message = printableLines(this.message);
    const fault = `${message}${place && ` (${place})`}${difference && `: ${difference}`}`;
    return `${fault}${remedy ? `. To mend it: ${remedy}` : ''} [${this.code}]`;
  }
}

/** What names itself stays as it is: an option, a line or record of a file, an address. Anything else is a field. */
function placeWords(field: string): string {
  return /^(--|(line|record|row) \d)|:\/\//.test(field) ? field : `field ${field}`;
}

/** Text from outside, such as a path or the name of a node, with what a terminal would obey written out. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

/** The same, of several lines. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

function printableDetails({ cause: _, ...details }: FaultDetails): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(details).map(([name, text]) => [name, text && printable(text)]));
}

/** One line per error: expected faults in their own words, anything else as a defect of the program. */
export function describeError(error: unknown): string {
  if (error instanceof SpikescopeError) return error.describe();
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `Unexpected failure, please report it: ${printableLines(text)}`;
}

/** Why something failed, in words for `received`; of a fault of the system what it means, without its call and path. */
export function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const number = 'errno' in cause && typeof cause.errno === 'number' ? cause.errno : undefined;
  const meaning = number === undefined ? undefined : getSystemErrorMap().get(number)?.[1];
  return meaning ?? cause.message;
}

/** The code that an error carries, such as `ENOENT` of one that the system told; undefined where it has none. */
export function systemCodeOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !('code' in cause)) return undefined;
  return typeof cause.code === 'string' ? cause.code : undefined;
}

/** Not convertible, not trusted, not accepted: the command line exits with 3. */
export class RefusedError extends SpikescopeError {
  constructor(code: string, message: string, details: FaultDetails = {}) {
    super(code, message, details, EXIT.refused);
    this.name = 'RefusedError';
  }
}

/** The words of a command, a configuration file or an option are off: the command line exits with 2. */
export class UsageError extends SpikescopeError {
  constructor(code: string, message: string, details: FaultDetails = {}) {
    super(code, message, details, EXIT.usage);
    this.name = 'UsageError';
  }
}
