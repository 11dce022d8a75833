import { SpikescopeError } from '../errors.ts';

/** MQTT's reason codes that need a word of their own; 3.1.1 has 1…5 in CONNACK, 5 has those from 128. */
const REASONS: Readonly<Record<number, { code: string; message: string; remedy: string }>> = {
  1: versionRefused(),
  132: versionRefused(),
  4: notAuthorised(),
  5: notAuthorised(),
  134: notAuthorised(),
  135: notAuthorised(),
  142: {
    code: 'BROKER_SESSION_TAKEN',
    message: 'Another program has connected as this device',
    remedy: 'end it, or tell the two apart with --device-id and --data',
  },
};

function versionRefused() {
  return {
    code: 'BROKER_VERSION',
    message: 'The broker speaks another version of MQTT',
    remedy: 'use a broker with MQTT 5 or 3.1.1',
  };
}

function notAuthorised() {
  return {
    code: 'BROKER_REFUSED',
    message: 'The broker does not admit this device',
    remedy: 'check the credentials in the broker’s URL and the rights that the broker gives them',
  };
}

/** The error for a broker that does not answer for so many milliseconds. */
export function silence(what: string, address: string, patience: number): SpikescopeError {
  return new SpikescopeError('BROKER_SILENT', `The broker does not ${what}`, {
    field: address,
    expected: `an answer within ${patience / 1000} s`,
    received: 'none',
    remedy: 'check the broker and the network',
  });
}

export function isVersionRefusal(fault: unknown): boolean {
  return fault instanceof SpikescopeError && fault.code === 'BROKER_VERSION';
}

/** The project's error for an MQTT reason code. */
export function faultOfCode(reasonCode: number, address: string, cause?: unknown): SpikescopeError {
  const known = REASONS[reasonCode];
  return new SpikescopeError(
    known?.code ?? 'BROKER_LOST',
    known?.message ?? 'The broker ended the connection',
    {
      field: address,
      received: cause instanceof Error ? cause.message : `reason code ${reasonCode}`,
      remedy: known?.remedy ?? 'see the broker’s log',
      cause,
    },
  );
}

/** The project's error for what mqtt.js or the network reports. */
export function connectionFault(cause: unknown, address: string): SpikescopeError {
  if (cause instanceof SpikescopeError) return cause;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (typeof code === 'number') return faultOfCode(code, address, cause);
  const received = describe(cause, code);
  // An alert is what the other side says of our certificate, not we of its.
  if (typeof code === 'string' && /_ALERT_/.test(code)) {
    return new SpikescopeError('BROKER_REFUSED', 'The broker does not accept this device’s certificate', {
      field: address,
      received,
      remedy: 'give one that the broker’s authority has signed with --cert, and its key with --key',
      cause,
    });
  }
  if (typeof code === 'string' && /CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO/.test(code)) {
    return new SpikescopeError(
      'BROKER_UNTRUSTED',
      'The broker’s certificate or the encryption is not accepted',
      {
        field: address,
        received,
        remedy: /EXPIRED|NOT_YET_VALID/.test(code)
          ? 'check the clock of this device, then the dates of the broker’s certificate'
          : 'give the authority that signed the broker’s certificate with --ca',
        cause,
      },
    );
  }
  if (typeof code === 'string' || received === 'connack timeout') {
    return new SpikescopeError('BROKER_UNREACHABLE', 'No broker answers', {
      field: address,
      received,
      remedy: 'start the broker, or check its address in --broker',
      cause,
    });
  }
  return new SpikescopeError('BROKER_LOST', 'The connection to the broker ended', {
    field: address,
    received,
    cause,
  });
}

function describe(cause: unknown, code: unknown): string {
  // A host with several addresses fails with an AggregateError, whose message is empty.
  if (cause instanceof AggregateError)
    return cause.errors.map((error) => describe(error, undefined)).join('; ');
  if (cause instanceof Error) return cause.message || String(code ?? cause.name);
  return String(cause);
}
