/** The topics of one device: `spikescope/<device>/…`. */
export interface Topics {
  /** Retained: `online`, `stopped`, and as the last will `offline`. */
  readonly status: string;
  /** One message per capture, QoS 1, not retained. */
  readonly result: string;
  /** Retained: the model in use. */
  readonly model: string;
}

/** @param device as `deviceIdSchema` admits it: one topic level, no wildcards */
export function topicsOf(device: string): Topics {
  const base = `spikescope/${device}`;
  return { status: `${base}/status`, result: `${base}/result`, model: `${base}/model` };
}
