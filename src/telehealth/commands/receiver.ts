import { SpikescopeError } from '../../errors.ts';
import type { RecordDraft } from '../../store/chain.ts';
import type { Publication } from '../connection.ts';
import type { Incoming } from '../connection-options.ts';
import type { Topics } from '../topics.ts';
import { type Admission, CommandAdmission, type CommandMemory } from './admission.ts';
import {
  COMMAND_SCHEMA,
  type Command,
  type CommandAnswer,
  type CommandHandler,
  type CommandName,
  type CommandResponse,
  RESPONSE_SCHEMA,
} from './command.ts';
import { RateLimiter } from './rate-limiter.ts';
import { returnAddressOf } from './return-address.ts';

export interface ReceiverOptions {
  readonly device: string;
  readonly topics: Topics;
  readonly allowed: ReadonlySet<CommandName>;
  readonly handler: CommandHandler;
  /** Accepted commands are in it before anything is done: one that is cut short by a power failure is not done twice. */
  readonly journal: CommandMemory & { record(drafts: readonly RecordDraft[]): number };
  /** Topics below which answers may be asked for, beside the device's own. Default none. */
  readonly responseTopics?: readonly string[];
  /**
   * Sends an answer; a failure to send is nobody's concern.
   * @param permission what the broker's consent to its topic holds for
   */
  readonly respond: (publication: Publication, permission: string) => Promise<void>;
  readonly limiter?: RateLimiter;
}

/** Commands from the broker: admitted or refused, recorded, done one after the other, answered. */
export class CommandReceiver {
  readonly #options: ReceiverOptions;
  readonly #admission: CommandAdmission;
  /** Refusals beyond these are counted and not answered: a flood in makes no flood out. */
  readonly #refusalLimiter = new RateLimiter({ burst: 16, perSecond: 2 });
  #done: Promise<void> = Promise.resolve();

  constructor(options: ReceiverOptions) {
    this.#options = options;
    const { allowed, journal, limiter, handler } = options;
    this.#admission = new CommandAdmission({
      allowed,
      memory: journal,
      isLabel: (label) => handler.isLabel?.(label) ?? true,
      ...(limiter && { limiter }),
    });
  }

  /** How many commands were accepted, and refused by reason. */
  get counts(): Readonly<Record<string, number>> {
    return this.#admission.counts;
  }

  /** Takes a message; those that are not commands are left alone. */
  receive({ topic, payload, packet }: Incoming): void {
    const { topics } = this.#options;
    if (!topic.startsWith(topics.command)) return;
    const name = topic.slice(topics.command.length);
    const admission = this.#admission.admit({ name, payload, isRetained: packet.retain });
    const answer = (response: Answer): void => this.#answer(name, response, packet);
    if ('command' in admission) this.#perform(admission.command, answer);
    else if (this.#refusalLimiter.take()) answer(refusalOf(admission));
  }

  #perform(command: Command, answer: (response: Answer) => void): void {
    const { journal, handler } = this.#options;
    const { id } = command;
    try {
      journal.record([{ kind: 'command', caseId: id, payload: JSON.stringify(command) }]);
    } catch (error) {
      answer({ id, outcome: 'failed', code: codeOf(error) });
      return;
    }
    this.#done = this.#done
      .then(() => handler.handle(command))
      .catch((error: unknown): CommandAnswer => ({ outcome: 'failed', code: codeOf(error) }))
      .then((outcome) => answer({ id, ...outcome }));
  }

  #answer(name: string, response: Answer, packet: Incoming['packet']): void {
    const { device, topics, respond, responseTopics = [] } = this.#options;
    const addressed = returnAddressOf(packet.properties, topics, responseTopics);
    if (addressed === null) return;
    const { permission, ...address } = addressed;
    const document: CommandResponse = {
      schema: RESPONSE_SCHEMA,
      device,
      command: name.slice(0, 64),
      at: new Date().toISOString(),
      ...response,
    };
    const publication = {
      ...address,
      payload: JSON.stringify(document),
      retain: false,
      userProperties: { schema: RESPONSE_SCHEMA, device, answers: COMMAND_SCHEMA },
    };
    respond(publication, permission).catch(() => {});
  }
}

type Answer = Pick<CommandResponse, 'id' | 'outcome' | 'code' | 'data'>;

function refusalOf({ refusal, id }: Exclude<Admission, { command: Command }>): Answer {
  return { ...(id !== undefined && { id }), outcome: 'refused', code: refusal };
}

function codeOf(error: unknown): string {
  return error instanceof SpikescopeError ? error.code : 'INTERNAL';
}
