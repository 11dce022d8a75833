import type { ClockState } from '../../../telehealth/clock.ts';
import { HEALTH_SCHEMA, type Health } from '../../../telehealth/health.ts';
import type { Appliance } from '../appliance.ts';
import type { StatusReport } from '../commands.ts';
import type { Delivery } from '../delivery.ts';
import type { Parts } from '../parts.ts';
import { boardState } from './board.ts';
import { cardHealth } from './card-health.ts';
import type { ApplianceMetrics } from './metrics.ts';

export interface HealthParts {
  readonly parts: Parts;
  readonly appliance: Appliance;
  readonly delivery: Delivery;
}

/** How the device is now. */
export async function healthOf({ parts, appliance }: HealthParts): Promise<Health> {
  const { device, journal, model, source, computing } = parts;
  const { level, headroom } = journal.storage();
  const card = await cardHealth(computing.card);
  const frameAge = source.frameAge?.() ?? null;
  return {
    schema: HEALTH_SCHEMA,
    device,
    at: new Date().toISOString(),
    uptime: Math.round(process.uptime()),
    model: model.model,
    outbox: { depth: journal.depth(), oldest: journal.oldestWaiting() },
    storage: { level, headroom },
    captures: appliance.tally.captures,
    frameAge: frameAge === null ? null : Math.round(frameAge),
    ...(await boardState()),
    memory: process.memoryUsage.rss(),
    ...(card !== null && { card }),
  };
}

/** The same and more for Prometheus. */
export async function metricsOf(
  health: HealthParts,
  updates: { readonly kept: number; readonly rolledBack: number },
): Promise<ApplianceMetrics> {
  const { outbox, storage, captures, frameAge, temperature, throttled, card = null } = await healthOf(health);
  const { accepted = 0, ...refused } = health.delivery.commandCounts;
  return {
    captures_total: captures,
    retakes_total: health.appliance.tally.retakes,
    updates_kept_total: updates.kept,
    updates_rolled_back_total: updates.rolledBack,
    commands_accepted_total: accepted,
    commands_refused_total: Object.values(refused).reduce((sum, count) => sum + count, 0),
    outbox_depth: outbox.depth,
    storage_headroom_bytes: storage.headroom,
    frame_age_seconds: frameAge === null ? null : frameAge / 1000,
    temperature_celsius: temperature,
    throttled: throttled === null ? null : Number(throttled),
    card_faults_total: card?.faults ?? null,
    card_serving: card && Number(card.serves),
    card_link_errors: card?.linkErrors
      ? Object.values(card.linkErrors).reduce((sum, count) => sum + count, 0)
      : null,
  };
}

/** What a status command is told: nothing of a person, a place or a file. */
export function statusOf(
  { journal, model, source, computing }: Parts,
  delivery: Delivery,
  clock: ClockState,
): StatusReport {
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
    source: source.fault?.()?.code ?? 'working',
    clock: clock ?? 'synchronised',
    backend: computing.backend,
    ...(computing.card !== null && {
      card: computing.card.fault ?? 'working',
      cardFaults: computing.card.faults,
    }),
    uptime: Math.round(process.uptime()),
    commandsAccepted: accepted,
    commandsRefused: Object.values(refused).reduce((sum, count) => sum + count, 0),
  };
}
