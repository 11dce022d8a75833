import path from 'node:path';
import { openSource, type SourceOptions } from '../../capture/open-source.ts';
import type { Capture, CaptureSource } from '../../capture/source.ts';
import { EXIT, type ExitCode, SpikescopeError } from '../../errors.ts';
import { measureQuality } from '../../preprocess/quality.ts';
import { runAppliance, type Tally } from '../../runtime/appliance.ts';
import { type Classifier, createClassifier } from '../../runtime/classifier.ts';
import { openModel } from '../../runtime/open-model.ts';
import { defaultDataFolder, prepareDataFolder } from '../../store/folder.ts';
import { openIdentity, parseDeviceId } from '../../store/identity.ts';
import { Journal } from '../../store/journal.ts';
import type { ModelInUse } from '../../telehealth/announcements.ts';
import { startEmbeddedBroker } from '../../telehealth/broker.ts';
import { type Endpoint, parseEndpoint } from '../../telehealth/endpoint.ts';
import { describeError, note } from '../console.ts';
import { showBanner } from './banner.ts';
import { Cleanup } from './cleanup.ts';
import { type Delivered, Delivery } from './delivery.ts';
import { ResultDisplay } from './display.ts';
import type { RunOptions } from './options.ts';
import { watchForStop } from './stop.ts';

/**
 * Runs the appliance until its captures are taken, published and received back, or until a signal asks it to stop.
 * @throws SpikescopeError as its parts, `RESULTS_UNPUBLISHED`, `RESULTS_NOT_RECEIVED`
 */
export async function runSession(options: RunOptions): Promise<ExitCode> {
  const cleanup = new Cleanup();
  const stop = watchForStop();
  cleanup.add(() => stop.unwatch());
  try {
    return await operate(await openParts(options, cleanup), options, stop.controller, cleanup);
  } finally {
    await cleanup.run();
  }
}

interface Parts {
  readonly device: string;
  readonly source: CaptureSource;
  readonly endpoint: Endpoint;
  readonly journal: Journal;
  readonly classifier: Classifier;
  readonly model: ModelInUse;
}

/** Opens what is needed, what fails soonest first. */
async function openParts(options: RunOptions, cleanup: Cleanup): Promise<Parts> {
  const named = options.deviceId === undefined ? undefined : parseDeviceId(options.deviceId);
  const external = options.broker === 'embedded' ? null : parseEndpoint(options.broker, tlsFilesOf(options));
  const source = await openSource(options.source, sourceOptionsOf(options));
  cleanup.add(() => source.stop());
  const dataFolder = path.resolve(options.data ?? defaultDataFolder());
  prepareDataFolder(dataFolder);
  const device = named ?? (await openIdentity(dataFolder)).data.device;
  const journal = Journal.open(path.join(dataFolder, 'journal.sqlite'));
  cleanup.add(() => journal.close());
  const { bundle, engine } = await openModel(options.model);
  cleanup.add(() => engine.close());
  const classifier = createClassifier(bundle, engine);
  const { backend, instructionSet } = engine;
  const model = { model: classifier.model, backend, instructionSet, classes: bundle.graph.classes };
  const endpoint = external ?? (await openBroker(options, cleanup));
  return { device, source, endpoint, journal, classifier, model };
}

function sourceOptionsOf(options: RunOptions): SourceOptions {
  const { seed, count, cameraSize, cameraRate, cameraStride } = options;
  const [width, height] = cameraSize;
  return {
    seed,
    endless: count !== undefined,
    camera: { width, height, rate: cameraRate, ...(cameraStride !== undefined && { stride: cameraStride }) },
    sharpness: (frame) => measureQuality(frame).focus,
    onFault: (fault) => note(`${fault.describe()}; trying again`),
  };
}

async function openBroker({ brokerPort }: RunOptions, cleanup: Cleanup): Promise<Endpoint> {
  const broker = await startEmbeddedBroker(brokerPort);
  cleanup.add(() => broker.close());
  return broker.endpoint;
}

function tlsFilesOf({ ca, cert, key }: RunOptions) {
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

async function operate(
  parts: Parts,
  options: RunOptions,
  stop: AbortController,
  cleanup: Cleanup,
): Promise<ExitCode> {
  const { device, source, classifier, model, journal } = parts;
  showBanner({ ...parts, isEmbedded: options.broker === 'embedded', authorities: options.ca });
  const display = new ResultDisplay({ json: options.json });
  const delivery = new Delivery({ ...parts, display, onFailed: () => stop.abort() });
  cleanup.add(() => delivery.stop());
  delivery.start();
  const tally = await runAppliance(
    {
      device,
      source,
      journal,
      classifier: {
        model: model.model,
        backend: model.backend,
        classify: (image) => classifier.classify(image),
      },
      onRecorded: ({ id }) => delivery.recorded(id),
      onRefused: noteRefusal,
    },
    {
      ...(options.count !== undefined && { count: options.count }),
      interval: options.interval ?? defaultInterval(options),
      signal: stop.signal,
    },
  );
  const isStopped = stop.signal.aborted;
  return conclude(tally, await delivery.settle({ isStopped }), isStopped);
}

/** Phantoms without end, for somebody who watches, come at a readable pace. */
function defaultInterval({ source, count }: RunOptions): number {
  return source === 'phantom' && count === undefined && process.stdout.isTTY ? 1000 : 0;
}

function noteRefusal({ origin }: Capture, error: unknown): void {
  note(`No reading of ${origin}: ${describeError(error)}`);
}

/** A stop on request is no failure, whatever was still on its way: it is in the journal. */
function conclude(
  { captures, retakes }: Tally,
  { unpublished, notReceived }: Delivered,
  isStopped: boolean,
): ExitCode {
  const readings = `${captures} ${captures === 1 ? 'capture' : 'captures'}, ${retakes} of them to be retaken`;
  if (isStopped || (unpublished === 0 && notReceived === 0)) {
    note(`${readings}${unpublished > 0 ? `; ${unpublished} remain in the journal unpublished` : ''}`);
    return EXIT.done;
  }
  if (unpublished > 0) {
    throw new SpikescopeError('RESULTS_UNPUBLISHED', 'Results remain in the journal unpublished', {
      expected: `${captures} results acknowledged by the broker`,
      received: `${unpublished} of them not`,
      remedy: 'they are safe in the journal; check the broker',
    });
  }
  throw new SpikescopeError(
    'RESULTS_NOT_RECEIVED',
    'The broker acknowledged results that did not come back',
    {
      expected: `${captures} results received by the display`,
      received: `${notReceived} of them not`,
      remedy: 'they are in the journal; check the rights that the broker gives this device',
    },
  );
}
