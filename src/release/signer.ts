import { createHash, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto';
import { Key, Signature } from '@tufjs/models';

/** Who can sign metadata: an ed25519 key, wherever its private half is. */
export interface Signer {
  readonly key: Key;
  sign(bytes: Uint8Array): Signature;
}

/** The public half as metadata names it; its identifier is the SHA-256 of its canonical form. @param hex 32 bytes */
export function publicKey(hex: string): Key {
  // Canonical JSON: names in their order, nothing between.
  const canonical = JSON.stringify({ keytype: 'ed25519', keyval: { public: hex }, scheme: 'ed25519' });
  const keyID = createHash('sha256').update(canonical).digest('hex');
  return new Key({ keyID, keyType: 'ed25519', scheme: 'ed25519', keyVal: { public: hex } });
}

export function signerOf(privateKey: KeyObject, publicHex: string): Signer {
  const key = publicKey(publicHex);
  return {
    key,
    sign: (bytes) =>
      new Signature({ keyID: key.keyID, sig: signBytes(null, bytes, privateKey).toString('hex') }),
  };
}

export interface NewKey {
  readonly privateKey: KeyObject;
  /** 32 bytes in hexadecimal. */
  readonly publicHex: string;
}

export function newKey(): NewKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const { x = '' } = publicKey.export({ format: 'jwk' });
  return { privateKey, publicHex: Buffer.from(x, 'base64url').toString('hex') };
}
