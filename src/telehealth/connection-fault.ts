import { SpikescopeError } from '../errors.ts';
import { withoutCredentials } from './redaction.ts';

const UNFIT = { code: 'BROKER_UNFIT', message: 'The broker does not offer what results need' };

const UNFIT_REMEDIES = {
  qos: 'allow QoS 1 at the broker, or use another',
  retain: 'allow retained messages at the broker, use another, or do without them: --retain false',
  size: 'allow larger packets at the broker, or use another',
};

/** The error for a broker that lacks something. @param received what it offers instead */
export function unfit(
  lacks: keyof typeof UNFIT_REMEDIES,
  address: string,
  received: string,
): SpikescopeError {
  const expected = {
    qos: 'delivery at least once (QoS 1)',
    retain: 'retained messages',
    size: 'room for a message',
  }[lacks];
  return new SpikescopeError(UNFIT.code, UNFIT.message, {
    field: address,
    expected,
    received,
    remedy: UNFIT_REMEDIES[lacks],
  });
}

/** MQTT's reason codes that need a word of their own; 3.1.1 has 1…5 in CONNACK, 5 has those from 128. */
const REASONS: Readonly<Record<number, { code: string; message: string; remedy: string }>> = {
  1: versionRefused(),
  2: nameRefused(),
  132: versionRefused(),
  133: nameRefused(),
  4: notAuthorised(),
  5: notAuthorised(),
  134: notAuthorised(),
  135: notAuthorised(),
  154: { ...UNFIT, remedy: UNFIT_REMEDIES.retain },
  155: { ...UNFIT, remedy: UNFIT_REMEDIES.qos },
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

function nameRefused() {
  return {
    code: 'BROKER_REFUSED',
    message: 'The broker does not admit this name',
    remedy: 'give the name that the broker expects with --client-id; some take 23 letters and digits at most',
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

/** The error for a broker that answers a message or subscription with no. */
export function refusal(cause: Error & { readonly code: number }, address: string): SpikescopeError {
  const { code, message, remedy } = REASONS[cause.code] ?? {
    code: 'BROKER_REFUSED',
    message: 'The broker refuses a message',
    remedy: 'see the broker’s log',
  };
  return new SpikescopeError(code, message, { field: address, received: cause.message, remedy, cause });
}

/** Whether the broker itself has answered with no, on a connection that stands. */
export function isRefusal({ details: { cause } }: SpikescopeError): boolean {
  return isAnswer(cause);
}

/** What mqtt.js makes of an acknowledgement with a reason code. */
export function isAnswer(cause: unknown): cause is Error & { readonly code: number } {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'number' && cause.code >= 128;
}

/** The error for a broker that ends the connection before it has admitted us. */
export function hungUp(address: string, cause?: Error): SpikescopeError {
  return new SpikescopeError('BROKER_LOST', 'The broker hangs up before it has admitted this device', {
    field: address,
    received: cause === undefined ? 'the connection was closed' : describe(cause, undefined),
    remedy:
      'check whether MQTT is spoken at this port, whether with encryption, and what the broker’s log says',
    cause,
  });
}

/** What the network says of a connection that was made and then cut. */
export function isCut(cause: unknown): boolean {
  return (
    cause instanceof Error && 'code' in cause && /^(ECONNRESET|ECONNABORTED|EPIPE)$/.test(String(cause.code))
  );
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
  const received = withoutCredentials(describe(cause, code));
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
          : code === 'ERR_TLS_CERT_ALTNAME_INVALID'
            ? 'name the broker in --broker as its certificate does'
            : 'give the authority that signed the broker’s certificate with --ca',
        cause,
      },
    );
  }
  if ((typeof code === 'string' && !isCut(cause)) || received === 'connack timeout') {
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
    remedy: 'see the broker’s log; some brokers hang up at a topic that they do not allow',
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
