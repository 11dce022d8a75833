import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** Types of MQTT control packets that tests look at (MQTT 5, §2.1.2). */
export const PACKET = { connect: 1, connack: 2, publish: 3, puback: 4, subscribe: 8, suback: 9 } as const;

export interface Packet {
  readonly type: number;
  readonly bytes: Buffer;
  /** `up` is towards the broker. */
  readonly direction: 'up' | 'down';
  /** How many packets of this connection came before it, in both directions. */
  readonly index: number;
}

/** What becomes of a packet: it passes, it is dropped, or these bytes go instead. */
export type Verdict = 'pass' | 'drop' | { readonly instead?: Buffer; readonly back?: Buffer };

export interface Proxy {
  readonly url: string;
  close(): void;
}

/** A way to a broker on which each MQTT packet is judged. `cut` ends the connection. */
export async function startProxy(
  port: number,
  judge: (packet: Packet, cut: () => void) => Verdict,
): Promise<Proxy> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    let index = 0;
    const cut = (): void => {
      near.destroy();
      far.destroy();
    };
    const forward = (from: Socket, to: Socket, direction: Packet['direction']): void => {
      open.add(from);
      let rest = Buffer.alloc(0);
      from.on('error', () => {});
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
      from.on('data', (chunk: Buffer) => {
        rest = Buffer.concat([rest, chunk]);
        for (let bytes = firstPacket(rest); bytes !== null; bytes = firstPacket(rest)) {
          rest = rest.subarray(bytes.length);
          const verdict = judge({ type: bytes[0] >> 4, bytes, direction, index: index++ }, cut);
          if (verdict === 'pass') to.write(bytes);
          else if (verdict !== 'drop') {
            if (verdict.instead) to.write(verdict.instead);
            if (verdict.back) from.write(verdict.back);
          }
        }
      });
    };
    forward(near, far, 'up');
    forward(far, near, 'down');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  return {
    url: `mqtt://127.0.0.1:${address.port}`,
    close() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

/** The packet at the front, or null while it is not complete: fixed header, remaining length in up to 4 bytes, the rest. */
function firstPacket(bytes: Buffer): Buffer | null {
  let length = 0;
  for (let i = 1; i < Math.min(5, bytes.length); i++) {
    length += (bytes[i] & 0x7f) << (7 * (i - 1));
    if ((bytes[i] & 0x80) === 0) {
      const end = i + 1 + length;
      return bytes.length >= end ? bytes.subarray(0, end) : null;
    }
  }
  return null;
}

/** Identifier of a PUBLISH at QoS 1. */
export function packetIdOf(publish: Buffer): number {
  const start = 1 + publish.subarray(1).findIndex((byte) => (byte & 0x80) === 0) + 1;
  return publish.readUInt16BE(start + 2 + publish.readUInt16BE(start));
}

/** A PUBACK of MQTT 5. */
export function puback(packetId: number, reasonCode = 0): Buffer {
  return Buffer.from([PACKET.puback << 4, 4, packetId >> 8, packetId & 0xff, reasonCode, 0]);
}
