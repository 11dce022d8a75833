import { HEALTH_SCHEMA } from '../../../telehealth/health.ts';
import type { Cleanup } from '../cleanup.ts';
import type { Log } from '../log.ts';
import type { Settings } from '../settings/settings.ts';
import { type HealthParts, healthOf, metricsOf } from './health.ts';
import { serveMetrics } from './metrics.ts';
import { openSupervisor } from './notify.ts';
import { WatchdogFeeder } from './watchdog-feeder.ts';

/** Milliseconds from one health report to the next. */
const HEALTH_INTERVAL = 60_000;
const FIRST_HEALTH = 1_000;

/** What looking after a service needs. */
export interface ServiceParts {
  readonly log: Log;
  readonly cleanup: Cleanup;
  /** Takes remarks for a person. */
  readonly say: (line: string) => void;
}

/** What a service owes to those who look after it: notifications, a fed watchdog, health reports, metrics. */
export async function attendService(
  health: HealthParts,
  options: Settings,
  owed: ServiceParts,
): Promise<void> {
  reportHealth(health, owed.cleanup);
  await offerMetrics(health, options, owed);
  await followSupervisor(health, owed);
}

function reportHealth(health: HealthParts, cleanup: Cleanup): void {
  const { delivery, parts } = health;
  const { device, topics, model } = parts;
  const report = async (): Promise<void> => {
    delivery.announce({
      topic: topics.health,
      payload: JSON.stringify(await healthOf(health)),
      retain: true,
      userProperties: { schema: HEALTH_SCHEMA, device, model: `${model.model.name}@${model.model.version}` },
    });
  };
  // A report that fails tells less than the next one that does not.
  const attempt = (): void => void report().catch(() => {});
  const first = setTimeout(attempt, FIRST_HEALTH);
  const timer = setInterval(attempt, HEALTH_INTERVAL);
  cleanup.add(() => {
    clearTimeout(first);
    clearInterval(timer);
  });
}

async function offerMetrics(
  health: HealthParts,
  { metrics }: Settings,
  { cleanup, say }: ServiceParts,
): Promise<void> {
  if (metrics === undefined) return;
  const updates = { kept: 0, rolledBack: 0 };
  let before: object | null = null;
  cleanup.add(
    health.appliance.flow.onChange(({ learned }) => {
      if (learned === null || learned === before) return;
      before = learned;
      updates[learned.kept ? 'kept' : 'rolledBack']++;
    }),
  );
  const server = await serveMetrics(metrics, () => metricsOf(health, updates));
  cleanup.add(() => server.close());
  say(`  metrics  ${server.url}`);
}

async function followSupervisor(
  { parts, appliance }: HealthParts,
  { log, cleanup, say }: ServiceParts,
): Promise<void> {
  const supervisor = await openSupervisor(process.env, (reason) => {
    log.write({ event: 'fault', code: 'SUPERVISOR_UNREACHABLE' });
    say(`The supervisor hears nothing: ${reason}`);
  });
  cleanup.add(() => supervisor.close());
  cleanup.add(() => supervisor.stopping());
  cleanup.add(appliance.flow.onChange(({ state }) => supervisor.status(state)));
  supervisor.ready();
  if (supervisor.watchdogInterval === null) return;
  const feeder = new WatchdogFeeder(
    // What serves computes what it must, and the journal can be read.
    [() => parts.computing.prove(), async () => void parts.journal.head()],
    () => supervisor.progress(),
    {
      interval: supervisor.watchdogInterval,
      onFault: () => log.write({ event: 'fault', code: 'HEARTBEAT' }),
    },
  );
  feeder.start();
  cleanup.add(() => feeder.stop());
}
