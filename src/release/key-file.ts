import { createCipheriv, createDecipheriv, createPrivateKey, randomBytes, scryptSync } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { RefusedError, reasonOf, SpikescopeError } from '../errors.ts';
import { firstIssue } from '../schema.ts';
import { type NewKey, publicKey, type Signer, signerOf } from './signer.ts';

/** Cost of guessing a passphrase: 128 MiB and about half a second for each try. */
const SCRYPT = { N: 2 ** 17, r: 8, p: 1 } as const;
const MEMORY = 192 * 2 ** 20;
/** Characters of a passphrase at least. */
export const SHORTEST_PASSPHRASE = 8;

const base64 = (bytes: number) =>
  z.base64().refine((text) => Buffer.from(text, 'base64').length === bytes, `${bytes} bytes in base64`);
const keyFileSchema = z.strictObject({
  schema: z.literal('spikescope/key/1'),
  /** ed25519, 32 bytes in hexadecimal. */
  public: z.string().regex(/^[0-9a-f]{64}$/),
  private: z.strictObject({
    kdf: z.literal('scrypt'),
    // A power of two that takes no more memory than this program allows.
    N: z.int().refine((n) => [2 ** 14, 2 ** 15, 2 ** 16, SCRYPT.N].includes(n)),
    r: z.literal(SCRYPT.r),
    p: z.literal(SCRYPT.p),
    salt: base64(16),
    cipher: z.literal('aes-256-gcm'),
    iv: base64(12),
    tag: base64(16),
    /** PKCS #8 in DER, sealed. */
    sealed: z.base64().max(1024),
  }),
});
export type KeyFile = z.infer<typeof keyFileSchema>;

/** @param cost scrypt's N; less than usual for tests alone */
export function sealKey({ privateKey, publicHex }: NewKey, passphrase: string, cost = SCRYPT.N): KeyFile {
  const salt = randomBytes(16);
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', derived(passphrase, salt, cost), iv);
  cipher.setAAD(Buffer.from(publicHex));
  const plain = privateKey.export({ type: 'pkcs8', format: 'der' });
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  plain.fill(0);
  return {
    schema: 'spikescope/key/1',
    public: publicHex,
    private: {
      ...{ kdf: 'scrypt', N: cost, r: SCRYPT.r, p: SCRYPT.p, salt: salt.toString('base64') },
      ...{ cipher: 'aes-256-gcm', iv: iv.toString('base64'), tag: cipher.getAuthTag().toString('base64') },
      sealed: sealed.toString('base64'),
    },
  };
}

/** @throws RefusedError `KEY_PASSPHRASE` */
export function unsealKey(content: KeyFile, passphrase: string, file: string): Signer {
  const { salt, iv, tag, sealed, N } = content.private;
  const key = derived(passphrase, Buffer.from(salt, 'base64'), N);
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64'));
  decipher.setAAD(Buffer.from(content.public));
  decipher.setAuthTag(Buffer.from(tag, 'base64'));
  try {
    const plain = Buffer.concat([decipher.update(Buffer.from(sealed, 'base64')), decipher.final()]);
    const privateKey = createPrivateKey({ key: plain, format: 'der', type: 'pkcs8' });
    plain.fill(0);
    return signerOf(privateKey, content.public);
  } catch (cause) {
    throw new RefusedError('KEY_PASSPHRASE', 'The key does not open with this passphrase', {
      file,
      remedy: 'give its own passphrase, or its backup where the file was damaged',
      cause,
    });
  }
}

function derived(passphrase: string, salt: Uint8Array, N: number): Buffer {
  // Typed on keyboards that compose letters differently.
  const text = passphrase.normalize('NFKC');
  return scryptSync(text, salt, 32, { N, r: SCRYPT.r, p: SCRYPT.p, maxmem: MEMORY });
}

/** For its owner alone, on the medium, and never over another. @throws SpikescopeError `KEY_UNWRITABLE` */
export async function writeKeyFile(file: string, content: KeyFile): Promise<void> {
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(content, null, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw new SpikescopeError('KEY_UNWRITABLE', 'The key cannot be written', {
      file,
      received: reasonOf(cause),
      remedy: 'give a new file in a folder that is there: a key is never overwritten',
      cause,
    });
  }
}

/** @throws RefusedError `KEY_FILE` */
export async function readKeyFile(file: string): Promise<KeyFile> {
  let document: unknown;
  try {
    document = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw keyFileFault(file, reasonOf(cause));
  }
  const parsed = keyFileSchema.safeParse(document);
  if (parsed.success) return parsed.data;
  const { field, problem } = firstIssue(parsed.error);
  throw keyFileFault(file, `${field}: ${problem}`);
}

/** The public half of a key file, for which nobody needs the passphrase. */
export function publicKeyIn(content: KeyFile) {
  return publicKey(content.public);
}

function keyFileFault(file: string, received: string): RefusedError {
  return new RefusedError('KEY_FILE', 'This is not a key file', {
    file,
    received,
    remedy: 'make one with `spikescope provision key new`',
  });
}
