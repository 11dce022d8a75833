import path from 'node:path';
import { openSource, type SourceOptions } from '../../capture/open-source.ts';
import type { Capture, CaptureSource } from '../../capture/source.ts';
import type { ExitCode } from '../../errors.ts';
import { measureQuality } from '../../preprocess/quality.ts';
import { runAppliance } from '../../runtime/appliance.ts';
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
import { ApplianceCommands, type StatusReport } from './commands.ts';
import { conclude } from './conclude.ts';
import { Delivery } from './delivery.ts';
import { ResultDisplay } from './display.ts';
import type { RunOptions } from './options.ts';
import { watchForStop } from './stop.ts';
import { StorageAlarm } from './storage-alarm.ts';

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
  const journal = Journal.open(path.join(dataFolder, 'journal.sqlite'), {
    channels: options.fhir ? ['result', 'fhir'] : ['result'],
    lane: external === null ? 'embedded' : 'external',
  });
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
  const isOwn = (id: string, payload: string) => journal.payloadOf(id) === payload;
  const display = new ResultDisplay({ json: options.json, isOwn });
  const commands = new ApplianceCommands({ status: () => statusOf(parts, delivery) });
  const delivery = new Delivery({
    ...parts,
    display,
    commands: { handler: commands, allowed: options.allowCommands },
    ...(options.homeAssistant !== undefined && { homeAssistant: options.homeAssistant }),
    onFailed: () => stop.abort(),
  });
  cleanup.add(() => delivery.stop());
  const storage = new StorageAlarm(journal, note);
  storage.look();
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
      pause: (milliseconds, signal) => commands.pause(milliseconds, signal),
      onRecorded: (result) => {
        commands.recorded(result);
        delivery.recorded();
        storage.look();
      },
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

/** What a status command is told: nothing of a person, a place or a file. */
function statusOf({ journal, model }: Parts, delivery: Delivery): StatusReport {
  const { level, headroom } = journal.storage();
  const { accepted = 0, ...refused } = delivery.commandCounts;
  return {
    model: `${model.model.name}@${model.model.version}`,
    waiting: journal.depth(),
    oldestWaiting: journal.oldestWaiting(),
    records: journal.head().sequence,
    journal: journal.head().digest,
    storage: level,
    headroom,
    uptime: Math.round(process.uptime()),
    commandsAccepted: accepted,
    commandsRefused: Object.values(refused).reduce((sum, count) => sum + count, 0),
  };
}
