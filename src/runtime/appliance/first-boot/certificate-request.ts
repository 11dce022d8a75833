import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';

/**
 * A key on the curve P-256, which every broker and authority knows.
 * @returns PEM, PKCS #8, without a passphrase: the device starts without a person
 */
export function newDeviceKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Tags of DER (X.690) that a request is made of. */
const TAG = {
  integer: 0x02,
  bits: 0x03,
  object: 0x06,
  utf8: 0x0c,
  sequence: 0x30,
  set: 0x31,
  attributes: 0xa0,
};
const COMMON_NAME = Buffer.from('550403', 'hex');
const ECDSA_WITH_SHA256 = Buffer.from('2a8648ce3d040302', 'hex');

/**
 * A certificate request (RFC 2986): the public key of the device under its name, signed by its own key. Whoever runs the
 * authority signs it; the key itself never leaves the device.
 * @param key PEM of a key on P-256
 * @returns PEM
 */
export function certificateRequest(key: string, device: string): string {
  const privateKey = createPrivateKey(key);
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const name = der(
    TAG.sequence,
    der(TAG.set, der(TAG.sequence, der(TAG.object, COMMON_NAME), der(TAG.utf8, Buffer.from(device)))),
  );
  const body = der(TAG.sequence, der(TAG.integer, Buffer.of(0)), name, publicKey, der(TAG.attributes));
  const request = der(
    TAG.sequence,
    body,
    der(TAG.sequence, der(TAG.object, ECDSA_WITH_SHA256)),
    // No bits of the last byte are unused.
    der(TAG.bits, Buffer.of(0), sign('sha256', body, privateKey)),
  );
  const lines = request.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE REQUEST-----', ...lines, '-----END CERTIFICATE REQUEST-----', ''].join(
    '\n',
  );
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const bytes = Buffer.from(length.toString(16).padStart(length > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.of(tag, 0x80 | bytes.length), bytes, content]);
}
