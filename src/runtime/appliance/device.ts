import { isRehearsed } from '../../capture/kinds.ts';
import type { Capture, CaptureSource } from '../../capture/source.ts';
import { describeError, SpikescopeError } from '../../errors.ts';
import { classTableOf } from '../../model/bundle/class-table.ts';
import { programVersion } from '../../program-version.ts';
import type { ClockState } from '../../telehealth/clock.ts';
import type { Patient } from '../../telehealth/patient-context.ts';
import { type UpdateAnnouncement, type UpdateState, updateAnnouncementOf } from '../../telehealth/update.ts';
import type { AcceleratorChange, Schedule } from '../engine/accelerator.ts';
import type { Backend } from '../engine/contract.ts';
import type { Classification } from '../inference/classifier.ts';
import { labelProblem } from '../learning/label.ts';
import { Appliance, type TakeOptions, type Tally } from './appliance.ts';
import { CaptureMode, operate } from './capture-mode.ts';
import { Cleanup } from './cleanup.ts';
import { DeviceClock } from './clock.ts';
import { ApplianceCommands } from './commands.ts';
import { Delivery } from './delivery.ts';
import { learnerFor } from './demonstration.ts';
import { Faults } from './faults.ts';
import type { LastUpdate } from './flow/parts.ts';
import { connectHeader } from './header.ts';
import { Installation } from './installation.ts';
import { type Log, NO_LOG, openLog } from './log.ts';
import { logFlow } from './log-flow.ts';
import { MemoryKeeper } from './memory.ts';
import { openParts, type Parts } from './parts.ts';
import { PatientContext } from './patient-context.ts';
import { PatientSessions } from './patient-sessions.ts';
import { RecordedLearner } from './recorded-learner.ts';
import { statusOf } from './service/health.ts';
import { attendService } from './service/service.ts';
import { allowedCommands, discoveryPrefix, type Settings } from './settings/settings.ts';
import { StorageAlarm } from './storage-alarm.ts';
import { Trial } from './trial.ts';
import { UpdateRequest } from './updates/ask.ts';
import { UpdateWatch } from './updates/watch.ts';

export interface DeviceOptions {
  readonly settings: Settings;
  /** The settings with an installed configuration among them. Default: that one goes before all. */
  readonly withOverlay?: (overlay: Partial<Settings>) => Settings;
  /** Asks the device to end; the device itself aborts it when it must. */
  readonly stop: AbortController;
  /** Takes remarks for a person, a line or several at a time. */
  readonly say: (line: string) => void;
  /** The file that the settings came from, where it did: what asks for an update is to read it too. */
  readonly configuration?: string;
  /** Milliseconds from one automatic capture to the next where the settings do not say. Default 0. */
  readonly interval?: number;
  /** As `openParts` takes them. */
  readonly backends?: readonly Backend[];
  readonly schedule?: Schedule;
}

/**
 * The program of the device, without a front end: camera, classifier, journal, delivery and service, put together.
 * Front ends listen to `appliance.flow` and `delivery`, and press the buttons of the flow; none of them is waited for.
 */
export class Device {
  readonly parts: Parts;
  readonly appliance: Appliance;
  readonly delivery: Delivery;
  readonly mode: CaptureMode;
  /** Of whom the next captures are. */
  readonly patient: PatientContext;
  readonly #classified = new Set<(id: string, classification: Classification) => void>();
  readonly #program = programVersion();
  readonly #updates: UpdateWatch;
  readonly #options: DeviceOptions;
  readonly #cleanup: Cleanup;
  readonly #log: Log;
  readonly #storage: StorageAlarm;
  readonly #memory = new MemoryKeeper();
  readonly #clock: DeviceClock;
  readonly #sessions: PatientSessions;
  readonly #trial: Trial;
  readonly #learner: RecordedLearner;

  private constructor(
    parts: Parts,
    options: DeviceOptions,
    installation: Installation,
    cleanup: Cleanup,
    log: Log,
  ) {
    const { settings, say } = options;
    this.parts = parts;
    this.#sessions = new PatientSessions(parts.journal.lastCapture());
    this.#options = options;
    this.#trial = this.#makeTrial(installation);
    this.#cleanup = cleanup;
    this.#log = log;
    this.#updates = new UpdateWatch(parts.dataFolder);
    this.#storage = new StorageAlarm(parts.journal, say);
    this.#clock = new DeviceClock({
      ...clockLimit(parts),
      onChange: () => this.delivery.refreshStatus(),
    });
    parts.verdicts.follow(() => this.#clock.state);
    this.patient = new PatientContext(settings.patientContext);
    this.mode = new CaptureMode(isAutomatic(settings, parts.source));
    this.#learner = this.#makeLearner();
    this.appliance = this.#makeAppliance();
    this.delivery = this.#makeDelivery();
  }

  /**
   * Opens all that the device is made of; nothing is captured or sent yet.
   * @throws SpikescopeError as its parts; what was open by then is closed again
   */
  static async open(options: DeviceOptions): Promise<Device> {
    const { say, backends, schedule } = options;
    const cleanup = new Cleanup();
    let installation: Installation | null = null;
    try {
      const faults = new Faults(say);
      installation = await Installation.open({ ...withOverlayOf(options), cleanup, say });
      const { settings } = installation;
      const parts = await openParts(settings, { cleanup, installation, faults, say, backends, schedule });
      const log = settings.log === 'json' ? openLog(parts.device) : NO_LOG;
      faults.follow(log);
      return new Device(parts, { ...options, settings }, installation, cleanup, log);
    } catch (error) {
      await installation?.failed(error);
      await cleanup.run();
      throw error;
    }
  }

  /** What it was told, with what is installed of it. */
  get settings(): Settings {
    return this.#options.settings;
  }

  /** What is known of its clock. */
  get clock(): ClockState {
    return this.#clock.state;
  }

  /** The update that is under way or was the last, and what is installed. */
  get updates(): UpdateState {
    return this.#updates.state;
  }

  /** Calls `listener` when what there is to tell of updates has changed, until the device ends. */
  onUpdate(listener: () => void): () => void {
    return this.#updates.onChange(listener);
  }

  /** Calls `listener` with what was read of each frame, before it is recorded, until what is returned is called. */
  onClassified(listener: (id: string, classification: Classification) => void): () => void {
    this.#classified.add(listener);
    return () => void this.#classified.delete(listener);
  }

  /** Whether the next capture is taken for one of the same patient as the last. */
  get isSessionOpen(): boolean {
    return !this.#isOfNoPatient() && this.#sessions.isOpen;
  }

  /** Says of whom the next captures are; another visit or patient begins a session. */
  setPatient(said: Patient | null): void {
    if (this.patient.set(said)) this.#sessions.end();
  }

  /** The next capture is of another patient, of whom nothing is known yet. */
  nextPatient(): void {
    this.patient.set(null);
    this.#sessions.end();
  }

  /** What `undo` would take back; null where there is nothing. */
  lastUpdate(): LastUpdate | null {
    return this.#learner.lastUpdate();
  }

  /** Whether a label can name a class here. */
  isLabel(label: string): boolean {
    return this.#isLabel(label);
  }

  /** Begins to send, to answer, and to look after itself. Call when every front end listens. */
  async start(): Promise<void> {
    const { settings, say } = this.#options;
    const { appliance, delivery, parts } = this;
    const cleanup = this.#cleanup;
    const { model, source } = parts;
    cleanup.add(() => delivery.stop());
    cleanup.add(() => this.#clock.stop());
    await this.#clock.start();
    this.#storage.look();
    cleanup.add(() => this.#updates.stop());
    await this.#updates.start();
    delivery.start();
    this.#updates.onChange(() => delivery.refreshUpdate());
    if (!this.mode.isAutomatic) await connectHeader(appliance.flow, this.#updates, cleanup, say);
    cleanup.add(logFlow(appliance.flow, this.#log));
    cleanup.add(parts.computing.onChange((change) => this.#computingChanged(change)));
    appliance.start();
    const { name, version } = model.model;
    this.#log.write({
      event: 'started',
      model: `${name}@${version}`,
      backend: model.backend,
      source: source.kind,
    });
    if (parts.journalFault !== null) this.#log.write({ event: 'fault', code: parts.journalFault.code });
    await attendService({ parts, appliance, delivery }, settings, { log: this.#log, cleanup, say });
    this.#trial.start();
    cleanup.add(() => this.#trial.stop());
  }

  /**
   * Takes captures until as many as asked for are taken, the source ends or the device is asked to stop.
   * @throws SpikescopeError when the source or the journal fails
   */
  async operate(): Promise<Tally> {
    try {
      return await operate(this.appliance, this.mode, this.#takeOptions());
    } finally {
      this.appliance.stop();
      this.#log.write({ event: 'stopped', ...this.appliance.tally });
    }
  }

  /** Says that it has ended as it should: this start is none that has failed. Call before `close`. */
  endedInOrder(): Promise<void> {
    return this.#trial.endedInOrder();
  }

  /** Ends everything, in the reverse order of its opening. */
  close(): Promise<void> {
    return this.#cleanup.run();
  }

  #makeLearner(): RecordedLearner {
    const { source, journal, learner, verdicts } = this.parts;
    return new RecordedLearner({
      learner: learner && learnerFor(source.kind, learner, journal),
      ...{ verdicts, journal, source: source.kind },
      onRecorded: () => this.delivery.recorded(),
    });
  }

  #makeAppliance(): Appliance {
    const { device, source, journal, classifier, computing } = this.parts;
    return new Appliance({
      device,
      source,
      journal,
      requireRoom: () => {
        this.#storage.look();
        journal.requireRoom();
      },
      classifier: {
        model: classifier.model,
        get backend() {
          return computing.backend;
        },
        classify: (image) => classifier.classify(image),
      },
      learner: this.#learner,
      clock: () => this.#clock.state,
      application: this.#program,
      sessionOf: () => (this.#isOfNoPatient() ? undefined : this.#sessions.next()),
      patientOf: () => this.patient.use(),
      onClassified: (id, classification) => {
        for (const listener of this.#classified) listener(id, classification);
      },
      onRecorded: (result) => {
        const { id, accepted, timings } = result;
        this.#trial.recorded(result);
        this.#log.write({ event: 'captured', result: id, accepted, milliseconds: timings?.total ?? 0 });
        this.delivery.recorded();
        this.#storage.look();
        this.#memory.afterCapture();
      },
      onRefused: (capture, error) => this.#refused(capture, error),
    });
  }

  #makeTrial({ activation }: Installation): Trial {
    const { stop, say } = this.#options;
    const { computing, dataFolder: data } = this.parts;
    return new Trial({
      ...{ activation, data, say },
      check: () => computing.prove(),
      isSessionOpen: () => this.isSessionOpen,
      restart: isSupervised() ? () => stop.abort() : null,
    });
  }

  /** Whether captures belong to nobody: drawn or played again, one after the other. */
  #isOfNoPatient(): boolean {
    return this.mode.isAutomatic && isRehearsed(this.parts.source.kind);
  }

  #makeDelivery(): Delivery {
    const { settings, stop, say } = this.#options;
    const prefix = discoveryPrefix(settings);
    return new Delivery({
      ...this.parts,
      commands: {
        handler: this.#makeCommands(),
        allowed: allowedCommands(settings),
        responseTopics: settings.responseTopics,
      },
      clock: () => this.#clock.state,
      card: () => this.parts.computing.card,
      update: () => this.#updateAnnouncement(),
      newestResult: settings.resultSchema,
      ...(prefix !== null && { homeAssistant: prefix }),
      onFullBatch: () => this.#memory.afterCapture(),
      onFailed: () => stop.abort(),
      say,
    });
  }

  #updateAnnouncement(): UpdateAnnouncement | null {
    const { state } = this.#updates;
    if (state.operation === null && state.installed === null) return null;
    return updateAnnouncementOf(this.parts.device, this.#program, state);
  }

  #makeCommands(): ApplianceCommands {
    const { stop, settings, configuration = null } = this.#options;
    const request = new UpdateRequest({
      data: this.parts.dataFolder,
      configuration: settings.updates?.from === undefined ? null : configuration,
      by: process.env.SPIKESCOPE_UPDATES_BY === 'unit' ? 'unit' : 'process',
    });
    return new ApplianceCommands({
      appliance: this.appliance,
      status: () => statusOf(this.parts, this.delivery, this.#clock.state),
      isLabel: (label) => this.#isLabel(label),
      askForUpdate: () => request.ask(),
      restart: isSupervised() ? () => stop.abort() : null,
    });
  }

  /** The label of a device that does not learn is recorded too, so that it may not be free text either. */
  #isLabel(label: string): boolean {
    const { bundle, learner } = this.parts;
    if (learner !== null) return learner.isLabel(label);
    const { extraLabels } = this.#options.settings;
    return labelProblem(label, bundle.graph.classes, { table: classTableOf(bundle), extraLabels }) === null;
  }

  #computingChanged(change: AcceleratorChange): void {
    if (!change.serves) this.#log.write({ event: 'fault', code: change.fault.code });
    this.#log.write({ event: 'backend', backend: this.parts.computing.backend });
    this.delivery.refreshStatus();
    this.delivery.refreshModel();
  }

  #refused({ origin }: Capture, error: unknown): void {
    this.#log.write({ event: 'fault', code: error instanceof SpikescopeError ? error.code : 'INTERNAL' });
    this.#options.say(`No reading of ${origin}: ${describeError(error)}`);
  }

  #takeOptions(): TakeOptions {
    const { settings, stop, interval = 0 } = this.#options;
    return {
      ...(settings.count !== undefined && { count: settings.count }),
      interval: settings.interval ?? interval,
      signal: stop.signal,
    };
  }
}

function withOverlayOf({
  settings,
  withOverlay = (overlay) => ({ ...settings, ...overlay }),
}: DeviceOptions) {
  return { settings, withOverlay };
}

/** No time can be before the last capture's. */
function clockLimit({ journal }: Parts): { notBefore?: string } {
  const last = journal.lastCapture();
  return last === null ? {} : { notBefore: last.capturedAt };
}

/** A camera waits for a button, unless a number of captures was asked for; phantoms and folders run by themselves. */
function isAutomatic({ trigger, count }: Settings, source: CaptureSource): boolean {
  if (trigger !== undefined) return trigger === 'auto';
  return count !== undefined || isRehearsed(source.kind);
}

/** Whether somebody starts this program again when it ends. */
function isSupervised(): boolean {
  return process.env.NOTIFY_SOCKET !== undefined || process.env.INVOCATION_ID !== undefined;
}
