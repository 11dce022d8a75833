/**
 * An appliance to cut the power of: the compiled program's own flow, classifier, learner, journal, publisher and
 * connection, and a document that is written after each capture. Somebody confirms every third reading under changing
 * labels and now and then takes an update back. Says on stdout, one line at a time, what it would answer for:
 *
 *   ready                    everything is open
 *   recorded <id>            this result was accepted
 *   labelled <id>            somebody has taught this result's case, and the update was kept or rolled back
 *   head <digest>            this head is in use, at the start and after each change
 *   document <number>        this version of the document was written
 *   settled                  nothing waits to be published (with WORKLOAD_COUNT, at the end)
 */
import { writeSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { PhantomPainter } from '../../../dist/capture/phantom/draw.js';
import { Appliance, takeCaptures } from '../../../dist/runtime/appliance/appliance.js';
import { PatientSessions } from '../../../dist/runtime/appliance/patient-sessions.js';
import { RecordedLearner } from '../../../dist/runtime/appliance/recorded-learner.js';
import { Verdicts } from '../../../dist/runtime/appliance/verdicts.js';
import { openModel } from '../../../dist/runtime/engine/open-model.js';
import { createClassifier } from '../../../dist/runtime/inference/classifier.js';
import { HeadLearner } from '../../../dist/runtime/learning/learner.js';
import { openDeviceJournal } from '../../../dist/store/device-journal.js';
import { StoredDocument } from '../../../dist/store/documents.js';
import { TelehealthClient } from '../../../dist/telehealth/client.js';
import { parseEndpoint } from '../../../dist/telehealth/endpoint.js';
import { ResultPublisher } from '../../../dist/telehealth/publisher.js';

const {
  WORKLOAD_DATA: folder,
  WORKLOAD_BROKER: broker,
  WORKLOAD_SEED: seed,
  WORKLOAD_COUNT: count,
} = process.env;
const say = (line) => writeSync(1, `${line}\n`);
const device = 'scope-1';

const { journal, fault } = openDeviceJournal(folder, { channels: ['result', 'label', 'fhir'] });
if (fault !== null) throw fault;
const captures = z.strictObject({ captures: z.int() });
const document = await StoredDocument.open(path.join(folder, 'captures.json'), captures, () => ({
  captures: 0,
}));
const { bundle, engine } = await openModel(undefined);
const classifier = createClassifier(bundle, engine, { head: () => learner.head });
const verdicts = new Verdicts(device, journal);
const learner = await HeadLearner.open(bundle, { folder, journal, verdicts });
const { model } = classifier;
const { backend, instructionSet } = engine;
const client = new TelehealthClient({
  endpoint: parseEndpoint(broker),
  device,
  model: { model, backend, instructionSet, classes: bundle.graph.classes },
  onOnline: () => publisher.wake(),
});
const publisher = new ResultPublisher({ queue: journal, client });
const ended = new AbortController();
const published = publisher.run(ended.signal);
client.start();
say('ready');
say(`head ${learner.digest}`);

const painter = new PhantomPainter();
const frames = Array.from({ length: 3 }, (_, i) => painter.draw(Number(seed) * 3 + i).frame);
const source = {
  kind: 'phantom',
  describe: () => 'three phantoms, again and again',
  start() {},
  async stop() {},
  async *frames(signal) {
    for (let i = 0; !signal.aborted; i++) {
      yield { image: frames[i % frames.length], capturedAt: new Date(), origin: 'phantom' };
    }
  },
};
const sessions = new PatientSessions(journal.lastCapture());
const appliance = new Appliance({
  device,
  source,
  classifier: { model, backend, classify: (image) => classifier.classify(image) },
  journal,
  learner: new RecordedLearner({
    ...{ learner, verdicts, journal, source: source.kind },
    onRecorded: () => publisher.wake(),
  }),
  sessionOf: () => sessions.next(),
  onRecorded: ({ id }) => {
    say(`recorded ${id}`);
    publisher.wake();
  },
  onRefused: (_, error) => {
    throw error;
  },
});

/** Teaches the reading that waits, or takes the last update back. */
async function teach(number) {
  const { reading } = appliance.flow.view;
  if (number % 12 === 11) {
    // No to the question; whether to take an update back; yes.
    for (let i = 0; i < 3; i++) {
      appliance.flow.press('undo');
      await appliance.rest();
    }
  } else if (number % 3 === 0 && reading?.accepted) {
    for (let i = 0; i < number % 7; i++) appliance.flow.press('next-label');
    appliance.flow.press('confirm');
  } else return;
  const { learned, fault } = await appliance.rest();
  if (fault !== null) throw fault;
  if (learned !== null) say(`labelled ${reading.id}`);
  say(`head ${learner.digest}`);
}

appliance.start();
await takeCaptures(appliance, {
  signal: ended.signal,
  ...(count && { count: Number(count) }),
  pause: async () => {
    await document.update((data) => {
      data.captures++;
    });
    say(`document ${document.data.captures}`);
    await teach(document.data.captures);
  },
});
appliance.stop();
if ((await publisher.settle(20_000, ended.signal)) === 0) say('settled');
ended.abort();
await client.stop();
await published;
journal.close();
await engine.close();
