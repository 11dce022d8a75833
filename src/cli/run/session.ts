import type { Capture, CaptureSource } from '../../capture/source.ts';
import { type ExitCode, SpikescopeError } from '../../errors.ts';
import { Appliance, type TakeOptions } from '../../runtime/appliance.ts';
import { PatientSessions } from '../../runtime/patient-sessions.ts';
import { describeError, hideNotes, note } from '../console.ts';
import { showBanner } from './banner.ts';
import { Cleanup } from './cleanup.ts';
import { ApplianceCommands } from './commands.ts';
import { conclude } from './conclude.ts';
import { type CaptureMode, operateAppliance } from './controls.ts';
import { Delivery } from './delivery.ts';
import { ResultDisplay } from './display.ts';
import { Faults } from './faults.ts';
import { statusOf } from './health.ts';
import { type Log, NO_LOG, openLog } from './log.ts';
import type { RunOptions } from './options.ts';
import { openParts, type Parts } from './parts.ts';
import { ReadingDesk } from './reading-desk.ts';
import { attendService } from './service.ts';
import { allowedCommands, discoveryPrefix } from './settings.ts';
import { watchForStop } from './stop.ts';
import { StorageAlarm } from './storage-alarm.ts';
import { logFlow, watchFlow } from './watch-flow.ts';

/**
 * Runs the appliance until its captures are taken, published and received back, or until a signal asks it to stop.
 * @throws SpikescopeError as its parts, `RESULTS_UNPUBLISHED`, `RESULTS_NOT_RECEIVED`
 */
export async function runSession(options: RunOptions): Promise<ExitCode> {
  const cleanup = new Cleanup();
  const stop = watchForStop();
  cleanup.add(() => stop.unwatch());
  hideNotes(options.log === 'json');
  cleanup.add(() => hideNotes(false));
  try {
    const faults = new Faults();
    const parts = await openParts(options, cleanup, faults);
    const log = options.log === 'json' ? openLog(parts.device) : NO_LOG;
    faults.follow(log);
    return await operate(parts, options, log, stop.controller, cleanup);
  } finally {
    await cleanup.run();
  }
}

async function operate(
  parts: Parts,
  options: RunOptions,
  log: Log,
  stop: AbortController,
  cleanup: Cleanup,
): Promise<ExitCode> {
  const { device, source, classifier, model, journal, learner } = parts;
  showBanner({ ...parts, isEmbedded: options.broker === 'embedded', authorities: options.ca });
  const payloadOf = (id: string) => journal.payloadOf(id);
  const isOwn = (id: string, payload: string) => payloadOf(id) === payload;
  const display = new ResultDisplay({ json: options.json, isOwn });
  const storage = new StorageAlarm(journal, note);
  const mode: CaptureMode = { isAutomatic: isAutomatic(options, source) };
  const sessions = new PatientSessions(journal.lastCapture());
  const appliance = new Appliance({
    device,
    source,
    journal,
    classifier: {
      model: model.model,
      backend: model.backend,
      classify: (image) => classifier.classify(image),
    },
    ...(learner !== null && { learner }),
    sessionOf: () => (mode.isAutomatic && isRehearsed(source) ? undefined : sessions.next()),
    onRecorded: ({ id, accepted, timings }) => {
      log.write({ event: 'captured', result: id, accepted, milliseconds: timings?.total ?? 0 });
      delivery.recorded();
      storage.look();
    },
    onRefused: (capture, error) => {
      log.write({ event: 'fault', code: error instanceof SpikescopeError ? error.code : 'INTERNAL' });
      noteRefusal(capture, error);
    },
  });
  const commands = new ApplianceCommands({
    appliance,
    status: () => statusOf(parts, delivery),
    restart: isSupervised() ? () => stop.abort() : null,
  });
  const prefix = discoveryPrefix(options);
  const delivery = new Delivery({
    ...parts,
    display,
    commands: { handler: commands, allowed: allowedCommands(options) },
    ...(prefix !== null && { homeAssistant: prefix }),
    onFailed: () => stop.abort(),
  });
  cleanup.add(() => delivery.stop());
  storage.look();
  delivery.start();
  await watchFlow(appliance, mode, new ReadingDesk({ appliance, display, payloadOf }), cleanup);
  logFlow(appliance, log, cleanup);
  appliance.start();
  const { name, version } = model.model;
  log.write({ event: 'started', model: `${name}@${version}`, backend: model.backend, source: source.kind });
  await attendService({ parts, appliance, delivery }, options, log, cleanup);
  try {
    await operateAppliance(
      { appliance, take: takeOptionsOf(options, stop.signal), mode, quit: () => stop.abort() },
      cleanup,
    );
  } finally {
    appliance.stop();
  }
  const isStopped = stop.signal.aborted;
  log.write({ event: 'stopped', ...appliance.tally });
  return conclude(appliance.tally, await delivery.settle({ isStopped }), isStopped);
}

/** A camera waits for a button, unless a number of captures was asked for; phantoms and folders run by themselves. */
function isAutomatic({ trigger, count }: RunOptions, source: CaptureSource): boolean {
  if (trigger !== undefined) return trigger === 'auto';
  return count !== undefined || isRehearsed(source);
}

/** Phantoms and replayed files that nobody asked for one by one are of no patient. */
function isRehearsed({ kind }: CaptureSource): boolean {
  return kind === 'phantom' || kind === 'replay';
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
