import type { CaptureSource } from '../../capture/source.ts';
import { printable } from '../../errors.ts';
import type { Computing } from '../../runtime/appliance/computing.ts';
import type { HeadLearner } from '../../runtime/learning/learner.ts';
import type { Journal } from '../../store/journal.ts';
import type { ModelInUse } from '../../telehealth/announcements.ts';
import { addressOf, type Endpoint } from '../../telehealth/endpoint.ts';
import type { Topics } from '../../telehealth/topics.ts';
import { note } from './console.ts';
import { counted } from './layout.ts';

export interface BannerParts {
  readonly device: string;
  readonly topics: Topics;
  readonly source: CaptureSource;
  readonly endpoint: Endpoint;
  readonly isEmbedded: boolean;
  readonly authorities: string | undefined;
  readonly journal: Journal;
  readonly model: ModelInUse;
  readonly computing: Pick<Computing, 'withoutCard'>;
  readonly learner: HeadLearner | null;
}

/** Says on stderr what runs, where results go and how to listen. */
export function showBanner({
  device,
  topics,
  source,
  endpoint,
  isEmbedded,
  authorities,
  journal,
  model,
  computing,
  learner,
}: BannerParts): void {
  const { name, version, digest } = model.model;
  const earlier = journal.depth();
  const foreign = journal.depth(isEmbedded ? 'external' : 'embedded');
  const lines = [
    'spikescope: for research and demonstration, not a medical device',
    `  model    ${printable(`${name} ${version}`)} (${digest.slice(0, 12)}) on ${model.backend}, ${model.instructionSet}`,
    computing.withoutCard !== null &&
      `  card     ${printable(computing.withoutCard)}; ${model.backend === 'cpu' ? 'the processor' : model.backend} reads`,
    `  head     ${headLine(learner)}`,
    `  source   ${source.describe()}`,
    `  broker   ${addressOf(endpoint)}${isEmbedded ? ' (embedded)' : ''}`,
    `  topic    ${topics.result}`,
    `  journal  ${journal.file}`,
    earlier > 0 &&
      `           ${counted(earlier, 'result')} of earlier runs ${earlier === 1 ? 'waits in it and is' : 'wait in it and are'} published now`,
    foreign > 0 &&
      `           ${counted(foreign, 'result')} of earlier runs ${foreign === 1 ? 'waits' : 'wait'} for ${isEmbedded ? 'an external' : 'the embedded'} broker`,
    `  listen   ${listenCommand(endpoint, `${topics.prefix}/${device}`, authorities)}`,
  ];
  note(lines.filter(Boolean).join('\n'));
}

function headLine(learner: HeadLearner | null): string {
  if (learner === null) return 'as it came with the model; it does not learn';
  const { updates, remembered, digest } = learner;
  if (remembered === 0) return 'as it came with the model; it learns what is confirmed';
  return `learned ${counted(remembered, 'case')}, ${updates} can be taken back (${digest.slice(0, 12)})`;
}

function listenCommand(
  { protocol, host, port }: Endpoint,
  base: string,
  authorities: string | undefined,
): string {
  if (protocol === 'ws' || protocol === 'wss') return `any client of MQTT over WebSocket, topic '${base}/#'`;
  const trust =
    protocol === 'mqtt' ? '' : authorities ? ` --cafile '${authorities}'` : ' --capath /etc/ssl/certs';
  return `mosquitto_sub -h ${host} -p ${port}${trust} -t '${base}/#' -v`;
}
