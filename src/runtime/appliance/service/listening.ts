import type { Server } from 'node:net';
import { SpikescopeError } from '../../../errors.ts';

/** Of a server that cannot be had: the error's code and words, and the option that names the port. */
export interface PortRefusal {
  readonly code: string;
  readonly message: string;
  readonly field: string;
}

/**
 * Has a server listen.
 * @param port 0 for any that is free
 * @returns the port
 * @throws SpikescopeError of the code that is given, where the port is taken or not allowed
 */
export async function listening(
  server: Server,
  port: number,
  host: string,
  { code, message, field }: PortRefusal,
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new SpikescopeError(code, message, {
          field,
          received: cause.message,
          remedy: 'choose another port, or 0 for any that is free',
          cause,
        }),
      );
    });
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}
