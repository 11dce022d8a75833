import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { SpikescopeError } from '../../src/errors.ts';
import type { RecordDraft } from '../../src/store/chain.ts';
import { CommandAdmission, MAXIMUM_COMMAND_BYTES } from '../../src/telehealth/commands/admission.ts';
import {
  COMMAND_NAMES,
  COMMAND_SCHEMA,
  type Command,
  type CommandAnswer,
  type CommandName,
  type CommandResponse,
  commandSchemas,
  responseSchema,
} from '../../src/telehealth/commands/command.ts';
import { RateLimiter } from '../../src/telehealth/commands/rate-limiter.ts';
import { CommandReceiver } from '../../src/telehealth/commands/receiver.ts';
import { returnAddressOf } from '../../src/telehealth/commands/return-address.ts';
import type { Publication } from '../../src/telehealth/connection.ts';
import type { Incoming } from '../../src/telehealth/connection-options.ts';
import { topicsOf } from '../../src/telehealth/topics.ts';

const topics = topicsOf('scope-1');
const unlimited = () => new RateLimiter({ burst: Number.MAX_SAFE_INTEGER, perSecond: 1 });

function command(more: object = {}): Record<string, unknown> {
  return { schema: COMMAND_SCHEMA, id: randomUUID(), ...more };
}

function bytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

describe('the gate', () => {
  const gate = (allowed: readonly CommandName[], known = new Set<string>()) =>
    new CommandAdmission({
      allowed: new Set(allowed),
      memory: { hasCommand: (id) => known.has(id) },
      limiter: unlimited(),
    });

  it('admits nothing by default, and says which command is denied and which is none', () => {
    for (const name of COMMAND_NAMES) {
      expect(gate([]).admit({ name, payload: bytes(command()), isRetained: false })).toEqual({
        refusal: 'COMMAND_DENIED',
      });
    }
    const names = fc.string().filter((name) => !COMMAND_NAMES.some((known) => known === name));
    fc.assert(
      fc.property(names, (name) => {
        expect(gate(COMMAND_NAMES).admit({ name, payload: bytes(command()), isRetained: false })).toEqual({
          refusal: 'COMMAND_UNKNOWN',
        });
      }),
    );
  });

  it('admits exactly what the schema does, whatever the bytes', () => {
    const documents = fc.oneof(
      fc.json().map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
      fc
        .record(
          {
            schema: fc.constantFrom(COMMAND_SCHEMA, 'spikescope/command/2', 1),
            id: fc.oneof(fc.uuid(), fc.string(), fc.integer()),
            label: fc.oneof(fc.string(), fc.constant(null)),
            result: fc.oneof(fc.uuid(), fc.string()),
            more: fc.jsonValue(),
          },
          { requiredKeys: [] },
        )
        .map(bytes),
    );
    fc.assert(
      fc.property(fc.constantFrom(...COMMAND_NAMES), documents, (name, payload) => {
        const admission = gate(COMMAND_NAMES).admit({ name, payload, isRetained: false });
        let document: unknown;
        try {
          document = JSON.parse(payload.toString('utf8'));
        } catch {}
        const isText = Buffer.from(payload.toString('utf8')).equals(payload);
        const isOversized = payload.length > MAXIMUM_COMMAND_BYTES;
        const fits = !isOversized && isText && commandSchemas[name].safeParse(document).success;
        expect('command' in admission).toBe(fits);
        const refusal = isOversized ? 'COMMAND_OVERSIZED' : 'COMMAND_MALFORMED';
        if (!fits) expect(admission).toEqual({ refusal });
      }),
      { numRuns: 500, examples: [['capture', bytes({ more: 'x'.repeat(MAXIMUM_COMMAND_BYTES) })]] },
    );
  });

  it('refuses a command whose text is no UTF-8, though it would follow the schema with other letters in it', () => {
    const text = JSON.stringify(command({ result: randomUUID(), label: 'n?v' }));
    const admit = (payload: Buffer) => gate(['label']).admit({ name: 'label', payload, isRetained: false });
    expect(admit(Buffer.from(text))).toHaveProperty('command');
    const at = Buffer.from(text).indexOf('?');
    // A lone byte of a longer letter, one that begins no letter, an overlong form, half of a surrogate pair.
    for (const wrong of [[0xe4], [0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80]]) {
      const payload = Buffer.concat([
        Buffer.from(text).subarray(0, at),
        Buffer.from(wrong),
        Buffer.from(text).subarray(at + 1),
      ]);
      expect(admit(payload)).toEqual({ refusal: 'COMMAND_MALFORMED' });
    }
  });

  it('refuses what is retained, too large, or was accepted before', () => {
    const known = command();
    const strict = gate(['capture'], new Set([String(known.id)]));
    const admit = (payload: Buffer, isRetained = false) =>
      strict.admit({ name: 'capture', payload, isRetained });
    expect(admit(bytes(command()), true)).toEqual({ refusal: 'COMMAND_RETAINED' });
    expect(admit(Buffer.concat([bytes(command()), Buffer.alloc(MAXIMUM_COMMAND_BYTES, ' ')]))).toEqual({
      refusal: 'COMMAND_OVERSIZED',
    });
    expect(admit(bytes(known))).toEqual({ refusal: 'COMMAND_REPLAYED', id: known.id });
    expect(strict.counts).toEqual({ COMMAND_RETAINED: 1, COMMAND_OVERSIZED: 1, COMMAND_REPLAYED: 1 });
  });

  it('lets so many through at once, and then so many in a second', () => {
    let now = 0;
    const limiter = new RateLimiter({ burst: 3, perSecond: 2, now: () => now });
    const taken = () => [1, 2, 3, 4, 5].filter(() => limiter.take()).length;
    expect(taken()).toBe(3);
    now += 1000;
    expect(taken()).toBe(2);
    now += 3_600_000;
    expect(taken()).toBe(3);
  });
});

describe('the receiver', () => {
  let sent: Publication[];
  let recorded: RecordDraft[];
  let handled: Command[];
  beforeEach(() => {
    sent = [];
    recorded = [];
    handled = [];
  });

  function receiver(
    answer: (command: Command) => Promise<CommandAnswer> = async () => ({ outcome: 'done' }),
    isLabel?: (label: string) => boolean,
  ) {
    return new CommandReceiver({
      device: 'scope-1',
      topics,
      allowed: new Set(COMMAND_NAMES),
      responseTopics: ['clinic/answers'],
      handler: {
        handle(one) {
          handled.push(one);
          return answer(one);
        },
        ...(isLabel && { isLabel }),
      },
      journal: {
        hasCommand: (id) => recorded.some(({ caseId }) => caseId === id),
        record: (drafts) => recorded.push(...drafts),
      },
      respond: async (publication) => void sent.push(publication),
      limiter: unlimited(),
    });
  }

  function message(
    name: string,
    payload: unknown,
    properties: Incoming['packet']['properties'] = {},
  ): Incoming {
    return {
      topic: `${topics.command}${name}`,
      payload: bytes(payload),
      packet: { retain: false, properties },
    };
  }

  const responses = (): CommandResponse[] =>
    sent.map(({ payload }) => responseSchema.parse(JSON.parse(payload)));

  it('records a command before it is done, and answers where and as it was asked', async () => {
    const order: string[] = [];
    const receiving = receiver(async () => {
      order.push(`recorded ${recorded.length}`);
      return { outcome: 'done', data: { waiting: 3 } };
    });
    const sentCommand = command();
    const correlationData = Buffer.from([0, 255, 1]);
    receiving.receive(message('status', sentCommand, { responseTopic: 'clinic/answers', correlationData }));
    await expect.poll(() => sent.length).toBe(1);
    expect(order).toEqual(['recorded 1']);
    expect(recorded[0]).toMatchObject({ kind: 'command', caseId: sentCommand.id });
    expect(recorded[0].payload).toBe(JSON.stringify({ name: 'status', ...sentCommand }));
    expect(sent[0]).toMatchObject({ topic: 'clinic/answers', correlationData, retain: false });
    expect(responses()[0]).toMatchObject({
      command: 'status',
      id: sentCommand.id,
      outcome: 'done',
      data: { waiting: 3 },
    });
  });

  it('does a command once, however often it comes', async () => {
    const receiving = receiver();
    const once = message('capture', command());
    for (let i = 0; i < 10; i++) receiving.receive(once);
    await expect.poll(() => sent.length).toBe(10);
    expect(handled).toHaveLength(1);
    expect(receiving.counts).toEqual({ accepted: 1, COMMAND_REPLAYED: 9 });
  });

  it('does commands one after the other', async () => {
    let running = 0;
    const receiving = receiver(async () => {
      expect(++running).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 2));
      running--;
      return { outcome: 'done' };
    });
    for (let i = 0; i < 5; i++) receiving.receive(message('capture', command()));
    await expect.poll(() => sent.length).toBe(5);
    expect(responses().every(({ outcome }) => outcome === 'done')).toBe(true);
  });

  it('answers with the code of what went wrong, and goes on', async () => {
    const errors: Error[] = [new SpikescopeError('CAPTURE_TIMEOUT', 'no frame'), new TypeError('a defect')];
    const receiving = receiver(async () => {
      const error = errors.shift();
      if (error) throw error;
      return { outcome: 'failed', code: 'COMMAND_UNSUPPORTED' };
    });
    for (let i = 0; i < 3; i++) receiving.receive(message('restart', command()));
    await expect.poll(() => sent.length).toBe(3);
    expect(responses().map(({ code }) => code)).toEqual([
      'CAPTURE_TIMEOUT',
      'INTERNAL',
      'COMMAND_UNSUPPORTED',
    ]);
  });

  it('takes what is said of the risk of a label, where that is one there is', async () => {
    const receiving = receiver();
    const label = (risk?: string) =>
      receiving.receive(message('label', command({ result: randomUUID(), label: 'scar', risk })));
    label();
    label('benign');
    label('harmless');
    await expect.poll(() => sent.length).toBe(3);
    expect(handled.map((each) => (each.name === 'label' ? each.risk : each.name))).toEqual([
      undefined,
      'benign',
    ]);
    expect(receiving.counts).toEqual({ accepted: 2, COMMAND_MALFORMED: 1 });
  });

  it('refuses a label that can name no class, and neither records nor repeats it', async () => {
    const receiving = receiver(undefined, (label) => label === 'nv');
    const label = (text: string) => message('label', command({ result: randomUUID(), label: text }));
    receiving.receive(label('Mueller Anna'));
    receiving.receive(label('nv'));
    await expect.poll(() => sent.length).toBe(2);
    expect(responses().map(({ outcome, code }) => [outcome, code])).toEqual([
      ['refused', 'LABEL_INVALID'],
      ['done', undefined],
    ]);
    expect(receiving.counts).toEqual({ LABEL_INVALID: 1, accepted: 1 });
    expect(handled).toHaveLength(1);
    expect(recorded).toHaveLength(1);
    expect(JSON.stringify([recorded, sent])).not.toContain('Mueller');
  });

  it('answers a flood of refusals with a trickle', () => {
    const receiving = receiver();
    for (let i = 0; i < 5000; i++) receiving.receive(message('capture', { id: i }));
    expect(receiving.counts).toEqual({ COMMAND_MALFORMED: 5000 });
    expect(sent.length).toBeGreaterThan(0);
    expect(sent.length).toBeLessThan(50);
    expect(recorded).toEqual([]);
    expect(handled).toEqual([]);
  });

  it('leaves messages alone that are no commands', () => {
    const receiving = receiver();
    receiving.receive({ ...message('capture', command()), topic: topics.result });
    expect(receiving.counts).toEqual({});
  });
});

describe('the address of an answer', () => {
  const ALLOWED = ['clinic/answers', 'a'];
  const own = { topic: topics.response, permission: topics.response };

  it('is the topic that the command names, below the device’s own or one that is allowed', () => {
    for (const [responseTopic, permission] of [
      [topics.response, topics.response],
      [`${topics.response}/desk`, `${topics.response}/#`],
      ['clinic/answers', 'clinic/answers'],
      ['clinic/answers/desk/1', 'clinic/answers'],
      ['a', 'a'],
    ]) {
      expect(returnAddressOf({ responseTopic }, topics, ALLOWED)).toEqual({
        topic: responseTopic,
        permission,
      });
    }
    expect(returnAddressOf({}, topics, ALLOWED)).toEqual(own);
  });

  it.each([
    topics.status,
    topics.result,
    `${topics.command}capture`,
    `${topics.response}/#`,
    'spikescope',
    'spikescope/scope-2/status',
    'homeassistant/device/x/config',
    '$SYS/broker',
    'clinic/+',
    'clinic',
    'clinic/answersheet',
    'ha/device/evil/config',
    '',
    'x'.repeat(300),
    'nul\0',
  ])('is the device’s own where the command names %s', (responseTopic) => {
    expect(returnAddressOf({ responseTopic }, topics, ALLOWED)).toEqual(own);
  });

  it('is the device’s own whatever the command names where nothing else is allowed', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constantFrom('clinic/answers', 'a', 'a/b')), (responseTopic) => {
        expect(returnAddressOf({ responseTopic }, topics, [])).toEqual(own);
      }),
    );
  });

  it('is never what devices or brokers say themselves, also where that is allowed', () => {
    for (const root of ['spikescope', 'homeassistant', '$SYS', 'dermatology']) {
      const elsewhere = topicsOf('scope-1', 'dermatology');
      expect(returnAddressOf({ responseTopic: `${root}/x` }, elsewhere, [root])?.topic).toBe(
        elsewhere.response,
      );
    }
  });

  it('carries what the asker wants back, up to a bound', () => {
    expect(returnAddressOf({ correlationData: Buffer.alloc(256) }, topics, [])).not.toBeNull();
    expect(returnAddressOf({ correlationData: Buffer.alloc(257) }, topics, [])).toBeNull();
  });
});
