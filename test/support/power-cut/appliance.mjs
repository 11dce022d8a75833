/**
 * An appliance to cut the power of: the compiled program's own loop, classifier, journal, publisher and connection, and
 * a document that is written after each capture. Says on stdout, one line at a time, what it would answer for:
 *
 *   ready                    everything is open
 *   recorded <id>            this result was accepted
 *   document <number>        this version of the document was written
 *   settled                  nothing waits to be published (with WORKLOAD_COUNT, at the end)
 */
import { writeSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { PhantomPainter } from '../../../dist/capture/phantom/draw.js';
import { runAppliance } from '../../../dist/runtime/appliance.js';
import { createClassifier } from '../../../dist/runtime/classifier.js';
import { openModel } from '../../../dist/runtime/open-model.js';
import { StoredDocument } from '../../../dist/store/documents.js';
import { Journal } from '../../../dist/store/journal.js';
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

const journal = Journal.open(path.join(folder, 'journal.sqlite'), { channels: ['result', 'fhir'] });
const captures = z.strictObject({ captures: z.int() });
const document = await StoredDocument.open(path.join(folder, 'captures.json'), captures, () => ({
  captures: 0,
}));
const { bundle, engine } = await openModel(undefined);
const classifier = createClassifier(bundle, engine);
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

const { frame } = new PhantomPainter().draw(Number(seed));
const source = {
  kind: 'phantom',
  describe: () => 'one phantom, again and again',
  start() {},
  async stop() {},
  async *frames(signal) {
    while (!signal.aborted) yield { image: frame, capturedAt: new Date(), origin: 'phantom' };
  },
};

await runAppliance(
  {
    device,
    source,
    classifier: { model, backend, classify: (image) => classifier.classify(image) },
    journal,
    onRecorded: ({ id }) => {
      say(`recorded ${id}`);
      publisher.wake();
    },
    onRefused: (_, error) => {
      throw error;
    },
  },
  {
    signal: ended.signal,
    ...(count && { count: Number(count) }),
    pause: async () => {
      await document.update((data) => {
        data.captures++;
      });
      say(`document ${document.data.captures}`);
    },
  },
);
if ((await publisher.settle(20_000, ended.signal)) === 0) say('settled');
ended.abort();
await client.stop();
await published;
journal.close();
await engine.close();
