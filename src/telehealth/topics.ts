export const DEFAULT_TOPIC_PREFIX = 'spikescope';

/** The topics of one device: `<prefix>/<device>/…`. */
export interface Topics {
  /** What all devices' topics begin with. */
  readonly prefix: string;
  /** Retained: `online`, `stopped`, and as the last will `offline`. */
  readonly status: string;
  /** One message per capture, QoS 1, not retained. */
  readonly result: string;
  /** One message per verdict of a person on a result, QoS 1, not retained. */
  readonly label: string;
  /** Results and verdicts as FHIR messages, where that is asked for. */
  readonly fhir: string;
  /** Retained: the model in use. */
  readonly model: string;
  /** Retained: how the device is. */
  readonly health: string;
  /** Retained: the update that is under way or was the last, and what is installed. */
  readonly update: string;
  /** Before a command's name. */
  readonly command: string;
  /** Answers to commands that name no other topic. */
  readonly response: string;
}

/**
 * @param device as `deviceIdSchema` admits it: one topic level, no wildcards
 * @param prefix topic levels, no wildcards
 */
export function topicsOf(device: string, prefix: string = DEFAULT_TOPIC_PREFIX): Topics {
  const base = `${prefix}/${device}`;
  return {
    prefix,
    status: `${base}/status`,
    result: `${base}/result`,
    label: `${base}/label`,
    fhir: `${base}/fhir`,
    model: `${base}/model`,
    health: `${base}/health`,
    update: `${base}/update`,
    command: `${base}/command/`,
    response: `${base}/response`,
  };
}
