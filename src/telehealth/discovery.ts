import type { ModelInUse } from './announcements.ts';
import type { CommandName } from './commands/command.ts';
import type { Publication } from './connection.ts';
import type { Topics } from './topics.ts';

/** Announcing the device to Home Assistant. */
export interface Discovery {
  /** What Home Assistant calls the discovery prefix. */
  readonly prefix: string;
  /** A button is announced for what it may ask for. */
  readonly allowed: ReadonlySet<CommandName>;
}

export const DEFAULT_DISCOVERY_PREFIX = 'homeassistant';

/** Home Assistant renders this for each press: commands with an identifier that was used before are refused. */
const COMMAND_TEMPLATE = '{"schema":"spikescope/command/1","id":"ha-{{ now().timestamp() }}"}';

/**
 * One retained message that describes the whole device (Home Assistant's device discovery): sensors that read the
 * topics which are published anyway, and a button for the capture command where that is allowed.
 */
export function discoveryOf(
  { prefix, allowed }: Discovery,
  device: string,
  { model }: ModelInUse,
  topics: Topics,
): Publication {
  const sensor = (name: string, topic: string, valueTemplate: string, more: object = {}) => ({
    platform: 'sensor',
    name,
    state_topic: topic,
    value_template: valueTemplate,
    ...more,
  });
  const named = Object.entries({
    diagnosis: sensor('Diagnosis', topics.result, '{{ value_json.diagnosis }}', {
      icon: 'mdi:magnify-scan',
    }),
    triage: sensor('Triage', topics.result, "{{ value_json.triage | default('') }}", {
      icon: 'mdi:hospital-box-outline',
    }),
    label: sensor(
      'Clinician’s label',
      topics.label,
      "{{ value_json.label if value_json.verdict != 'withdrawn' else '' }}",
      { icon: 'mdi:account-check' },
    ),
    probability: sensor(
      'Probability',
      topics.result,
      '{{ ((value_json.probabilities.values() | list + [0]) | max * 100) | round(1) }}',
      { unit_of_measurement: '%' },
    ),
    model: sensor('Model', topics.model, '{{ value_json.model.name }} {{ value_json.model.version }}', {
      entity_category: 'diagnostic',
    }),
    ...(allowed.has('capture') && {
      capture: {
        platform: 'button',
        name: 'Capture',
        command_topic: `${topics.command}capture`,
        command_template: COMMAND_TEMPLATE,
        qos: 1,
      },
    }),
  });
  const components = Object.fromEntries(
    named.map(([key, component]) => [key, { ...component, unique_id: `spikescope_${device}_${key}` }]),
  );
  return {
    topic: `${prefix}/device/spikescope-${device.replaceAll('.', '_')}/config`,
    retain: true,
    payload: JSON.stringify({
      device: {
        identifiers: [`spikescope-${device}`],
        name: device,
        model: 'spikescope',
        sw_version: `${model.name} ${model.version}`,
      },
      origin: { name: 'spikescope' },
      components,
      availability: [
        {
          topic: topics.status,
          value_template: "{{ 'online' if value_json.status == 'online' else 'offline' }}",
        },
      ],
      qos: 1,
    }),
  };
}
