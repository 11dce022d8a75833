import { type Command, type CommandName, commandNameSchema, commandSchemas } from './command.ts';
import { RateLimiter } from './rate-limiter.ts';

/** Why a command was not admitted. */
export const REFUSALS = [
  /** No command of this device. */
  'COMMAND_UNKNOWN',
  /** Not on the list of those that are allowed here. */
  'COMMAND_DENIED',
  /** Kept by the broker: it would come again at each connect. */
  'COMMAND_RETAINED',
  /** Larger than any command is. */
  'COMMAND_OVERSIZED',
  /** No JSON, or not of the schema. */
  'COMMAND_MALFORMED',
  /** One with this identifier was accepted before. */
  'COMMAND_REPLAYED',
  /** More than the device takes in this time. */
  'COMMAND_BUSY',
  /** A label that can name no class of this device; told before anything is recorded, since it may be a person's name. */
  'LABEL_INVALID',
] as const;
export type CommandRefusal = (typeof REFUSALS)[number];

export interface ReceivedCommand {
  /** What follows the command topic. */
  readonly name: string;
  readonly payload: Buffer;
  readonly isRetained: boolean;
}

export type Admission =
  | { readonly command: Command }
  | { readonly refusal: CommandRefusal; readonly id?: string };

/** Remembers which commands were accepted, for as long as the device keeps its journal. */
export interface CommandMemory {
  hasCommand(id: string): boolean;
}

export interface GateOptions {
  /** Nothing is allowed that is not in it. */
  readonly allowed: ReadonlySet<CommandName>;
  readonly memory: CommandMemory;
  readonly limiter?: RateLimiter;
  /** Whether a label can name a class of this device. Default: every label can. */
  readonly isLabel?: (label: string) => boolean;
}

/** Bytes of the largest command. */
export const MAXIMUM_COMMAND_BYTES = 1024;

/** Decides which commands are admitted, cheapest question first, and counts what comes. */
export class CommandAdmission {
  readonly #options: GateOptions;
  readonly #limiter: RateLimiter;
  readonly #counts = new Map<'accepted' | CommandRefusal, number>();

  constructor(options: GateOptions) {
    this.#options = options;
    this.#limiter = options.limiter ?? new RateLimiter({ burst: 8, perSecond: 2 });
  }

  /** How many commands were accepted, and refused by reason, since the start. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  admit(received: ReceivedCommand): Admission {
    const admission = this.#judge(received);
    const outcome = 'command' in admission ? 'accepted' : admission.refusal;
    this.#counts.set(outcome, (this.#counts.get(outcome) ?? 0) + 1);
    return admission;
  }

  #judge({ name, payload, isRetained }: ReceivedCommand): Admission {
    const known = commandNameSchema.safeParse(name);
    if (!known.success) return { refusal: 'COMMAND_UNKNOWN' };
    if (!this.#options.allowed.has(known.data)) return { refusal: 'COMMAND_DENIED' };
    if (isRetained) return { refusal: 'COMMAND_RETAINED' };
    if (payload.length > MAXIMUM_COMMAND_BYTES) return { refusal: 'COMMAND_OVERSIZED' };
    const command = commandOf(known.data, payload);
    if (command === null) return { refusal: 'COMMAND_MALFORMED' };
    const { id } = command;
    if (this.#options.memory.hasCommand(id)) return { refusal: 'COMMAND_REPLAYED', id };
    if (!this.#limiter.take()) return { refusal: 'COMMAND_BUSY', id };
    const { isLabel } = this.#options;
    if (command.name === 'label' && isLabel?.(command.label) === false)
      return { refusal: 'LABEL_INVALID', id };
    return { command };
  }
}

function commandOf(name: CommandName, payload: Buffer): Command | null {
  const parsed = commandSchemas[name].safeParse(parseJson(payload));
  return parsed.success ? parsed.data : null;
}

function parseJson(payload: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload));
  } catch {
    return undefined;
  }
}
