import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectAsync, type MqttClient } from 'mqtt';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PhantomPainter } from '../../../src/capture/phantom/draw.ts';
import { areaResample } from '../../../src/preprocess/resample.ts';
import { centredSquare } from '../../../src/preprocess/square.ts';
import { openModel } from '../../../src/runtime/engine/open-model.ts';
import { createClassifier } from '../../../src/runtime/inference/classifier.ts';
import { COMMAND_SCHEMA, responseSchema } from '../../../src/telehealth/commands/command.ts';
import { type Appliance, startAppliance } from '../../support/appliance.ts';
import { type Listener, listenTo } from '../../support/listener.ts';
import { hasMosquitto, startMosquitto } from '../../support/mosquitto.ts';
import { canPreload } from '../../support/preload.ts';
import { Quotations } from '../../support/write-recorder/quotations.ts';
import { readRecord, recording } from '../../support/write-recorder/record.ts';

const PATIENTS = 6;
const SIZE = { width: 320, height: 240 };
/** What image files begin with or hold, as bytes and as the texts in which they travel. */
const IMAGE_SIGNS = [
  'JFIF',
  'Exif',
  'WEBPVP8',
  '\x89PNG\r\n',
  '\xff\xd8\xff\xe0',
  '/9j/4A',
  'iVBORw0K',
  'data:image',
];

let folder: string;
let undo: (() => unknown)[];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'privacy-'));
  undo = [() => rmSync(folder, { recursive: true, force: true })];
});
afterEach(async () => {
  for (const action of undo.reverse()) await action();
});

/** Photographs that lie in the folder to replay, and everything of them that nobody may see again. */
async function photographs(): Promise<{ pictures: Quotations; embeddings: Quotations }> {
  const photos = path.join(folder, 'photos');
  mkdirSync(photos);
  const { bundle, engine } = await openModel();
  const classifier = createClassifier(bundle, engine, { integrityCheck: false });
  const [pictures, embeddings] = [new Quotations(), new Quotations()];
  const painter = new PhantomPainter();
  for (let i = 0; i < PATIENTS; i++) {
    const { rgb, width, height } = painter.draw(i).frame;
    const file = path.join(photos, `anna-${i}.jpg`);
    const raw = { width, height, channels: 3 } as const;
    await sharp(rgb, { raw }).resize(SIZE).jpeg().toFile(file);
    const { data } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
    const square = centredSquare(SIZE.width, SIZE.height);
    const input = areaResample({ rgb: data, ...SIZE }, square, bundle.preprocessing.width);
    pictures.add(`file ${i}`, readFileSync(file));
    pictures.add(`pixels ${i}`, data);
    pictures.add(`input ${i}`, Buffer.from(input));
    const { headInput } = await classifier.classify(file);
    if (headInput === null) throw new Error('everything is read');
    const { pooled } = headInput;
    embeddings.add(
      `embedding ${i}`,
      Buffer.from(pooled.buffer, pooled.byteOffset, pooled.byteLength),
      pooled,
    );
  }
  await engine.close();
  return { pictures, embeddings };
}

/** Asks the device by MQTT, as a button would. */
class Clinic {
  readonly #client: MqttClient;
  readonly #listener: Listener;

  constructor(client: MqttClient, listener: Listener) {
    this.#client = client;
    this.#listener = listener;
  }

  async ask(name: string, more: object = {}) {
    const id = randomUUID();
    const command = JSON.stringify({ schema: COMMAND_SCHEMA, id, ...more });
    await this.#client.publishAsync(`spikescope/scope-1/command/${name}`, command, { qos: 1 });
    const isAnswer = ({ topic, payload }: { topic: string; payload: string }) =>
      topic === 'spikescope/scope-1/response' && payload.includes(id);
    const answer = responseSchema.parse(JSON.parse((await this.#listener.first(isAnswer, name)).payload));
    // The device takes two commands a second.
    await delay(500);
    return answer;
  }
}

describe.skipIf(!canPreload() || !hasMosquitto)('a day of use', { timeout: 300_000 }, () => {
  const record = () => path.join(folder, 'record');
  const data = () => path.join(folder, 'data');

  function appliance(url: string, ...args: string[]): Appliance {
    const started = startAppliance(
      [
        ...['--source', `replay:${path.join(folder, 'photos')}`, '--data', data(), '--device-id', 'scope-1'],
        ...['--broker', url, '--fhir', '--home-assistant', '--metrics', '0', '--log', 'json', '--json'],
        ...['--allow-commands', 'capture,label,undo,status', ...args],
      ],
      undefined,
      { ...recording(record()), SPIKESCOPE_LOG_LEVEL: 'debug', HOME: folder, TMPDIR: folder },
    );
    undo.push(async () => {
      started.kill('SIGKILL');
      await started.ended;
    });
    return started;
  }

  it('leaves no picture in any file, socket or log, and no embedding but in the learned head', async () => {
    const { pictures, embeddings } = await photographs();
    const broker = await startMosquitto();
    undo.push(() => broker.stop());
    const listener = await listenTo(broker.url);
    undo.push(() => listener.close());
    const client = await connectAsync(broker.url, { protocolVersion: 5 });
    undo.push(() => client.endAsync(true));
    const clinic = new Clinic(client, listener);

    const nobodyThere = appliance('mqtt://127.0.0.1:9', '--count', '4');
    expect((await nobodyThere.ended).exitCode).toBe(1);
    const morning = appliance(broker.url, '--count', '20');
    expect((await morning.ended).exitCode).toBe(0);

    const device = appliance(broker.url, '--trigger', 'buttons');
    const earlier = new Set(listener.heard);
    await listener.first((message) => message.topic.endsWith('/health') && !earlier.has(message), 'health');
    let kept = 0;
    for (let i = 0; i < PATIENTS; i++) {
      const { data: captured } = await clinic.ask('capture');
      const { data: taught } = await clinic.ask('label', {
        result: captured?.result,
        label: i % 2 ? 'nv' : 'bkl',
      });
      if (taught?.kept) kept++;
    }
    expect(kept).toBeGreaterThan(0);
    expect((await clinic.ask('undo')).outcome).toBe('done');
    expect((await clinic.ask('status')).outcome).toBe('done');
    device.kill('SIGTERM');
    expect((await device.ended).exitCode).toBe(0);

    const written = readRecord(record());
    const all = Buffer.concat([...written.values()]);
    const inFile = (name: RegExp) =>
      Buffer.concat([...written].flatMap(([to, bytes]) => (name.test(path.basename(to)) ? [bytes] : [])));
    const sent = Buffer.concat(
      [...written].flatMap(([to, bytes]) => (to.startsWith('socket:') ? [bytes] : [])),
    );
    // That the record has what was written at all: results on their way, in the journal, and the log.
    for (const sign of ['spikescope/result/2', 'resourceType', 'homeassistant', 'spikescope/health/1']) {
      expect(sent.includes(sign), sign).toBe(true);
    }
    // Pages cut a record wherever they end, and records of one length at the same place.
    const words = ['spikescope/result/2', '"triage"', '"probabilities"', '"capturedAt"'];
    expect(words.filter((word) => inFile(/^journal\.sqlite/).includes(word))).not.toEqual([]);
    expect(all.includes('"msg":"learned"')).toBe(true);

    expect(pictures.in(all)).toEqual([]);
    expect(IMAGE_SIGNS.filter((sign) => all.includes(sign, 0, 'latin1'))).toEqual([]);
    expect(all.includes('anna')).toBe(false);
    // Learning keeps the cases that were taught: that they are found there shows that they would be found elsewhere.
    const learned = /^head-[0-9a-f]{12}\.spikescope-delta/;
    expect(embeddings.in(inFile(learned))).not.toEqual([]);
    const elsewhere = [...written].filter(([to]) => !learned.test(path.basename(to)));
    expect(embeddings.in(Buffer.concat(elsewhere.map(([, bytes]) => bytes)))).toEqual([]);
    const files = readdirSync(data(), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => path.join(parentPath, name));
    expect(files.map((file) => path.basename(file))).toContain('journal.sqlite');
    expect(pictures.in(Buffer.concat(files.map((file) => readFileSync(file))))).toEqual([]);
    expect(readdirSync(folder).sort()).toEqual(['data', 'photos', 'record']);
  });
});

describe('what is looked for', () => {
  const secret = randomBytes(4000);
  const quotations = new Quotations();
  quotations.add('secret', secret);

  it.each(['latin1', 'hex', 'base64', 'base64url'] as const)(
    'is found in %s, also a piece from anywhere',
    (form) => {
      for (const start of [0, 1, 2, 777]) {
        const text = `{"note":"${secret.subarray(start, start + 300).toString(form)}"}`;
        expect(quotations.in(Buffer.from(text, 'latin1'))).toEqual(['secret']);
      }
    },
  );

  it('is found as a list of numbers', () => {
    expect(quotations.in(Buffer.from(JSON.stringify([...secret.subarray(500, 700)])))).toEqual(['secret']);
  });

  it('is not found in what has nothing of it', () => {
    expect(quotations.in(randomBytes(100_000))).toEqual([]);
  });
});
