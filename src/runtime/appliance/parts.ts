import { openSource } from '../../capture/open-source.ts';
import type { CaptureSource } from '../../capture/source.ts';
import type { SourceOptions } from '../../capture/source-type.ts';
import type { SpikescopeError } from '../../errors.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import { sharpnessOf } from '../../preprocess/quality.ts';
import { CHANNELS } from '../../store/channels.ts';
import { openIdentity, parseDeviceId } from '../../store/identity.ts';
import type { Journal } from '../../store/journal.ts';
import type { ModelInUse } from '../../telehealth/announcements.ts';
import { startEmbeddedBroker } from '../../telehealth/broker.ts';
import { type BrokerDemands, type Endpoint, parseEndpoint } from '../../telehealth/endpoint.ts';
import { type Topics, topicsOf } from '../../telehealth/topics.ts';
import type { Activation } from '../../updates/install/activation.ts';
import type { Schedule } from '../engine/accelerator.ts';
import type { Backend } from '../engine/contract.ts';
import type { Classifier } from '../inference/classifier.ts';
import { headsOfOtherBundles } from '../learning/delta-file.ts';
import { HeadLearner } from '../learning/learner.ts';
import type { Cleanup } from './cleanup.ts';
import { Computing } from './computing.ts';
import { mayHaveTaught } from './demonstration.ts';
import type { Faults } from './faults.ts';
import type { Installation } from './installation.ts';
import { takeLearningAlong } from './learning-along.ts';
import { cameraSettings, type Settings } from './settings/settings.ts';
import { Verdicts } from './verdicts.ts';

/** What the appliance is made of, opened. */
export interface Parts {
  readonly device: string;
  readonly dataFolder: string;
  readonly topics: Topics;
  readonly source: CaptureSource;
  readonly endpoint: Endpoint;
  readonly journal: Journal;
  /** Why the journal's chain begins anew with this start; null where it goes on. */
  readonly journalFault: SpikescopeError | null;
  readonly bundle: ModelBundle;
  readonly computing: Computing;
  readonly classifier: Classifier;
  readonly model: ModelInUse;
  /** Null where the model cannot learn, or must not. */
  readonly learner: HeadLearner | null;
  readonly verdicts: Verdicts;
}

/** Whom the parts belong to, and what computes where it is not to be looked for here. */
export interface OpenPartsOptions {
  readonly cleanup: Cleanup;
  /** What is installed, with the start begun. */
  readonly installation: Installation;
  readonly faults: Faults;
  readonly say: (line: string) => void;
  /** Default: those of this machine. */
  readonly backends?: readonly Backend[] | undefined;
  /** When a card that has failed is tried again. Default: by the system's timers. */
  readonly schedule?: Schedule | undefined;
}

/** Opens what is needed, what fails soonest first. */
export async function openParts(
  options: Settings,
  { cleanup, installation, faults, say, backends, schedule }: OpenPartsOptions,
): Promise<Parts> {
  const named = options.deviceId === undefined ? undefined : parseDeviceId(options.deviceId);
  const external =
    options.broker === 'embedded'
      ? null
      : parseEndpoint(options.broker, tlsFilesOf(options), demandsOf(options));
  const source = await openSource(options.source, sourceOptionsOf(options, faults));
  cleanup.add(() => source.stop?.());
  const {
    folder: dataFolder,
    journal,
    fault: journalFault,
  } = installation.openData(source.kind, {
    channels: options.fhir ? CHANNELS : ['result', 'label'],
    lane: external === null ? 'embedded' : 'external',
  });
  cleanup.add(() => journal.close());
  const device = named ?? (await openIdentity(dataFolder)).data.device;
  if (journalFault !== null) say(journalFault.describe());
  const computing: Computing = await installation.openModel((model) =>
    Computing.open({
      ...{ model, backend: options.backend, journal, say, backends, schedule },
      head: () => learner?.head ?? null,
    }),
  );
  cleanup.add(() => computing.close());
  const { bundle, classifier } = computing;
  const verdicts = new Verdicts(device, journal);
  const { activation } = installation;
  const learner = await openLearner(options, {
    ...{ folder: dataFolder, activation, source, bundle, journal, verdicts, say },
  });
  const endpoint = external ?? (await openBroker(options, cleanup));
  const topics = topicsOf(device, options.topicPrefix);
  return {
    device,
    dataFolder,
    topics,
    source,
    endpoint,
    journal,
    journalFault,
    bundle,
    computing,
    classifier,
    model: computing.modelInUse(),
    learner,
    verdicts,
  };
}

async function openLearner(
  { learning, extraLabels }: Settings,
  {
    folder,
    source,
    bundle,
    journal,
    activation,
    verdicts,
    say,
  }: Pick<Parts, 'source' | 'bundle' | 'journal' | 'verdicts'> & {
    folder: string;
    activation: Activation;
    say: (line: string) => void;
  },
): Promise<HeadLearner | null> {
  if (learning === 'off') return null;
  const place = {
    folder,
    journal,
    mayHaveTaught: mayHaveTaught(source.kind, journal),
    onSetAside: (fault: SpikescopeError, movedTo: string | null) =>
      say(
        `${fault.describe()}; the file ${movedTo === null ? 'is left in its place' : `is kept as ${movedTo}`}`,
      ),
  };
  await takeLearningAlong({ ...place, activation, bundle, say });
  const learner = await HeadLearner.open(bundle, { ...place, extraLabels, verdicts });
  const others = await headsOfOtherBundles(folder, bundle.digest);
  if (learner?.updates === 0 && learner.remembered === 0 && others.length > 0) {
    say(
      `What was learned with other models waits in ${folder} until they are used again: ${others.join(', ')}`,
    );
  }
  if (learning === 'reset') await learner?.reset('command-line');
  return learner;
}

function sourceOptionsOf(options: Settings, faults: Faults): SourceOptions {
  const { seed, count } = options;
  return {
    seed,
    endless: count !== undefined,
    // Whoever asks for a number of captures waits for the end; whoever does not has an appliance, and may connect it later.
    mustBePresent: count !== undefined,
    camera: cameraSettings(options),
    sharpness: sharpnessOf,
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
