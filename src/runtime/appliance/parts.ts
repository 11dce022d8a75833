import path from 'node:path';
import { openSource, type SourceOptions } from '../../capture/open-source.ts';
import type { CaptureSource } from '../../capture/source.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import { measureQuality } from '../../preprocess/quality.ts';
import { defaultDataFolder, prepareDataFolder } from '../../store/folder.ts';
import { openIdentity, parseDeviceId } from '../../store/identity.ts';
import { Journal } from '../../store/journal.ts';
import type { ModelInUse } from '../../telehealth/announcements.ts';
import { startEmbeddedBroker } from '../../telehealth/broker.ts';
import { type BrokerDemands, type Endpoint, parseEndpoint } from '../../telehealth/endpoint.ts';
import { type Topics, topicsOf } from '../../telehealth/topics.ts';
import type { Engine } from '../engine/contract.ts';
import { openModel } from '../engine/open-model.ts';
import { type Classifier, createClassifier } from '../inference/classifier.ts';
import { HeadLearner } from '../learning/learner.ts';
import type { Cleanup } from './cleanup.ts';
import type { Faults } from './faults.ts';
import type { Settings } from './settings/settings.ts';

/** What the appliance is made of, opened. */
export interface Parts {
  readonly device: string;
  readonly topics: Topics;
  readonly source: CaptureSource;
  readonly endpoint: Endpoint;
  readonly journal: Journal;
  readonly bundle: ModelBundle;
  readonly engine: Engine;
  readonly classifier: Classifier;
  readonly model: ModelInUse;
  /** Null where the model cannot learn, or must not. */
  readonly learner: HeadLearner | null;
}

/** Opens what is needed, what fails soonest first. */
export async function openParts(
  options: Settings,
  { cleanup, faults, say }: { cleanup: Cleanup; faults: Faults; say: (line: string) => void },
): Promise<Parts> {
  const named = options.deviceId === undefined ? undefined : parseDeviceId(options.deviceId);
  const external =
    options.broker === 'embedded'
      ? null
      : parseEndpoint(options.broker, tlsFilesOf(options), demandsOf(options));
  const source = await openSource(options.source, sourceOptionsOf(options, faults));
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
  const classifier: Classifier = createClassifier(bundle, engine, { head: () => learner?.head ?? null });
  const learner = await openLearner(options, { folder: dataFolder, bundle, journal, classifier, say });
  const { backend, instructionSet } = engine;
  const model = { model: classifier.model, backend, instructionSet, classes: bundle.graph.classes };
  const endpoint = external ?? (await openBroker(options, cleanup));
  const topics = topicsOf(device, options.topicPrefix);
  return { device, topics, source, endpoint, journal, bundle, engine, classifier, model, learner };
}

async function openLearner(
  { learning }: Settings,
  {
    folder,
    bundle,
    journal,
    classifier,
    say,
  }: Pick<Parts, 'bundle' | 'journal' | 'classifier'> & { folder: string; say: (line: string) => void },
): Promise<HeadLearner | null> {
  if (learning === 'off') return null;
  const learner = await HeadLearner.open(bundle, {
    folder,
    journal,
    evidenceOf: (reading) => classifier.evidenceOf(reading),
    onSetAside: (fault, movedTo) => say(`${fault.describe()}; the file is kept as ${movedTo}`),
  });
  if (learning === 'reset') await learner?.reset('command-line');
  return learner;
}

function sourceOptionsOf(options: Settings, faults: Faults): SourceOptions {
  const { seed, count, cameraSize, cameraRate, cameraStride } = options;
  const [width, height] = cameraSize.split('x').map(Number);
  return {
    seed,
    endless: count !== undefined,
    // Whoever asks for a number of captures waits for the end; whoever does not has an appliance, and may connect it later.
    mustBePresent: count !== undefined,
    camera: { width, height, rate: cameraRate, ...(cameraStride !== undefined && { stride: cameraStride }) },
    sharpness: (frame) => measureQuality(frame).focus,
    onFault: (fault) => faults.tell(fault),
  };
}

async function openBroker({ brokerPort }: Settings, cleanup: Cleanup): Promise<Endpoint> {
  const broker = await startEmbeddedBroker(brokerPort);
  cleanup.add(() => broker.close());
  return broker.endpoint;
}

function demandsOf({ alpn, clientId, retain }: Settings): BrokerDemands {
  return { retain, ...(alpn !== undefined && { alpn }), ...(clientId !== undefined && { clientId }) };
}

function tlsFilesOf({ ca, cert, key }: Settings) {
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}
