import { connectAsync, type IPublishPacket } from 'mqtt';

export interface Heard {
  readonly topic: string;
  readonly payload: string;
  readonly retained: boolean;
  readonly packet: IPublishPacket;
}

export interface Listener {
  readonly heard: readonly Heard[];
  /** Resolved with the first message, past or future, that fits. */
  first(fits: (message: Heard) => boolean, what: string): Promise<Heard>;
  close(): Promise<void>;
}

/** A subscriber that is not ours: plain mqtt.js, on everything that devices publish. */
export async function listenTo(url: string, protocolVersion: 4 | 5 = 5): Promise<Listener> {
  const client = await connectAsync(url, { protocolVersion, reconnectPeriod: 50 });
  client.on('error', () => {});
  const heard: Heard[] = [];
  const waiting = new Set<() => void>();
  client.on('message', (topic, payload, packet) => {
    heard.push({ topic, payload: payload.toString('utf8'), retained: packet.retain, packet });
    for (const look of [...waiting]) look();
  });
  await client.subscribeAsync('spikescope/#', { qos: 1 });
  return {
    heard,
    first(fits, what) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`never heard: ${what}; heard ${JSON.stringify(heard.slice(-5))}`));
        }, 20_000);
        const look = (): void => {
          const found = heard.find(fits);
          if (found === undefined) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      });
    },
    close: () => client.endAsync(true),
  };
}
