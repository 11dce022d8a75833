import path from 'node:path';
import { openSource, type SourceOptions } from '../../capture/open-source.ts';
import type { Capture, CaptureSource } from '../../capture/source.ts';
import type { ExitCode } from '../../errors.ts';
import { measureQuality } from '../../preprocess/quality.ts';
import { Appliance, type TakeOptions } from '../../runtime/appliance.ts';
import { type Classifier, createClassifier } from '../../runtime/classifier.ts';
import type { FlowView } from '../../runtime/flow/flow.ts';
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
import { type CaptureMode, openHeader, operateAppliance } from './controls.ts';
import { Delivery } from './delivery.ts';
import { ResultDisplay } from './display.ts';
import { confirmationQuestion, flowNote } from './flow-notes.ts';
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
  const storage = new StorageAlarm(journal, note);
  const appliance = new Appliance({
    device,
    source,
    journal,
    classifier: {
      model: model.model,
      backend: model.backend,
      classify: (image) => classifier.classify(image),
    },
    onRecorded: () => {
      delivery.recorded();
      storage.look();
    },
    onRefused: noteRefusal,
  });
  const commands = new ApplianceCommands({
    appliance,
    status: () => statusOf(parts, delivery),
    restart: isSupervised() ? () => stop.abort() : null,
  });
  const delivery = new Delivery({
    ...parts,
    display,
    commands: { handler: commands, allowed: options.allowCommands },
    ...(options.homeAssistant !== undefined && { homeAssistant: options.homeAssistant }),
    onFailed: () => stop.abort(),
  });
  cleanup.add(() => delivery.stop());
  storage.look();
  delivery.start();
  const mode: CaptureMode = { isAutomatic: isAutomatic(options, source) };
  await watchFlow(appliance, mode, cleanup);
  appliance.start();
  try {
    await operateAppliance(
      { appliance, take: takeOptionsOf(options, stop.signal), mode, quit: () => stop.abort() },
      cleanup,
    );
  } finally {
    appliance.stop();
  }
  const isStopped = stop.signal.aborted;
  return conclude(appliance.tally, await delivery.settle({ isStopped }), isStopped);
}

/** A camera waits for a button, unless a number of captures was asked for; phantoms and folders run by themselves. */
function isAutomatic({ trigger, count }: RunOptions, { kind }: CaptureSource): boolean {
  if (trigger !== undefined) return trigger === 'auto';
  return count !== undefined || kind === 'phantom' || kind === 'replay';
}

/** Tells a person, and the light, what the flow does. */
async function watchFlow(appliance: Appliance, mode: CaptureMode, cleanup: Cleanup): Promise<void> {
  const header = mode.isAutomatic
    ? null
    : await openHeader((button) => appliance.flow.press(button), cleanup);
  let before: FlowView | null = null;
  const forget = appliance.flow.onChange((view) => {
    const line = flowNote(before, view) ?? (mode.isAutomatic ? null : confirmationQuestion(before, view));
    if (line !== null) note(line);
    header?.show(view);
    before = view;
  });
  cleanup.add(forget);
}

function takeOptionsOf(options: RunOptions, signal: AbortSignal): TakeOptions {
  return {
    ...(options.count !== undefined && { count: options.count }),
    interval: options.interval ?? defaultInterval(options),
    signal,
  };
}

/** Whether somebody starts this program again when it ends. */
function isSupervised(): boolean {
  return process.env.NOTIFY_SOCKET !== undefined || process.env.INVOCATION_ID !== undefined;
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
