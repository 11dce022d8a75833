/** How each part of the device is and what to do about it, in words of the page. */
import { isRehearsed } from '../../../../capture/kinds.ts';
import type { Device } from '../../../../runtime/appliance/device.ts';
import type { StatusItem } from '../../contract.ts';
import type { Part, RemedyKey, Severity, StatusKey } from '../../words.ts';

type Item = Omit<StatusItem, 'part'>;

/** Milliseconds without a frame after which a camera gives none. */
const SILENT_AFTER = 3_000;
/** Captures out of focus in a row after which the lens is to be looked at. */
export const BLURRED_IN_A_ROW = 3;

function item(
  severity: Severity,
  message: StatusKey,
  { remedy = null, code = null, values = {} }: Partial<Pick<Item, 'remedy' | 'code' | 'values'>> = {},
): Item {
  return { severity, message, remedy, code, values };
}

/** @param blurred captures in a row that were out of focus */
export function statusItems(device: Device, blurred: number): StatusItem[] {
  const parts: readonly (readonly [Part, Item])[] = [
    ['camera', cameraItem(device, blurred)],
    ['card', cardItem(device)],
    ['broker', brokerItem(device)],
    ['storage', storageItem(device)],
    ['clock', clockItem(device)],
    ['update', updateItem(device)],
    ['learning', item('ok', device.parts.learner === null ? 'learning.off' : 'learning.on')],
  ];
  return parts.map(([part, said]) => ({ part, ...said }));
}

function cameraItem({ parts, appliance }: Device, blurred: number): Item {
  const { source } = parts;
  const fault = source.fault?.() ?? null;
  if (fault !== null) {
    const isAbsent = isWithoutCamera(fault.code, source.frameAge?.() ?? null);
    const remedy = isAbsent ? 'remedy.camera.connect' : 'remedy.camera.restart';
    return item('fault', isAbsent ? 'camera.absent' : 'camera.silent', { remedy, code: fault.code });
  }
  if (appliance.flow.view.isExhausted) return item('notice', 'camera.ended');
  if (isRehearsed(source.kind)) return item('notice', 'camera.demonstration');
  const age = source.frameAge?.() ?? null;
  if (age === null) return item('notice', 'camera.starting');
  if (age > SILENT_AFTER) return item('fault', 'camera.silent', { remedy: 'remedy.camera.restart' });
  if (blurred >= BLURRED_IN_A_ROW) return item('warning', 'camera.lens', { remedy: 'remedy.camera.clean' });
  return item('ok', 'camera.ok');
}

/** rpicam-vid ends where it finds no camera: what ends before a first frame has none, as far as anybody can see. */
function isWithoutCamera(code: string, age: number | null): boolean {
  if (code === 'CAMERA_ABSENT' || code === 'CAMERA_PROGRAM_MISSING') return true;
  return code === 'CAMERA_EXITED' && age === null;
}

function cardItem({ parts }: Device): Item {
  const { card } = parts.computing;
  if (card === null) return item('ok', 'card.none');
  if (card.serves) return item('ok', 'card.ok');
  return item('warning', 'card.lost', { remedy: 'remedy.card.service', code: card.fault });
}

/** Faults of a broker that answers, and does not take what this device sends. */
const REFUSALS: readonly string[] = ['BROKER_REFUSED', 'BROKER_UNTRUSTED', 'BROKER_TOPIC_DENIED'];

function brokerItem({ parts, delivery, settings }: Device): Item {
  const values = { waiting: parts.journal.depth() };
  if (delivery.isOnline) {
    return item('ok', settings.broker === 'embedded' ? 'broker.embedded' : 'broker.ok', { values });
  }
  const code = delivery.outage?.code ?? null;
  const isRefused = code !== null && REFUSALS.includes(code);
  const remedy: RemedyKey = isRefused ? 'remedy.broker.rights' : 'remedy.broker.network';
  return item('warning', isRefused ? 'broker.refused' : 'broker.away', { remedy, code, values });
}

function storageItem({ parts }: Device): Item {
  const { level, headroom } = parts.journal.storage();
  const values = { megabytes: Math.floor(headroom / 2 ** 20) };
  switch (level) {
    case 'ample':
      return item('ok', 'storage.ok', { values });
    case 'low':
      return item('warning', 'storage.low', { remedy: 'remedy.storage.free', code: 'STORAGE_LOW', values });
    case 'full':
      return item('fault', 'storage.full', { remedy: 'remedy.storage.free', code: 'JOURNAL_FULL', values });
  }
}

function clockItem({ clock }: Device): Item {
  if (clock === null) return item('ok', 'clock.ok');
  return item('warning', `clock.${clock}`, { remedy: 'remedy.clock.network' });
}

function updateItem({ updates: { operation, installed } }: Device): Item {
  const kinds = Object.values(installed ?? {});
  const pending = kinds.find((kind) => kind.pending !== null)?.pending ?? null;
  const tried = kinds.find((kind) => kind.onTrial)?.active ?? null;
  if (operation !== null && operation.outcome === null) {
    const percent = operation.of > 0 ? Math.floor((100 * operation.done) / operation.of) : 0;
    return item('notice', 'update.running', { values: { percent, stage: operation.stage } });
  }
  if (operation?.outcome === 'failed' || operation?.outcome === 'interrupted') {
    return item('warning', 'update.failed', { remedy: 'remedy.update.retry', code: operation.code });
  }
  if (pending !== null) {
    const values = { version: pending.version };
    return item('notice', 'update.pending', { remedy: 'remedy.update.restart', values });
  }
  if (tried !== null) return item('notice', 'update.trial', { values: { version: tried.version } });
  const active = kinds.find((kind) => kind.active !== null)?.active ?? null;
  if (active !== null) return item('ok', 'update.done', { values: { version: active.version } });
  return item('ok', 'update.none');
}
