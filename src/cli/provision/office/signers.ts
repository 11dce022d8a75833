import { RefusedError } from '../../../errors.ts';
import { publicKeyIn, readKeyFile, unsealKey } from '../../../release/key-file.ts';
import type { Signer } from '../../../release/signer.ts';
import {
  isTokenReference,
  parseTokenReference,
  publicKeyInToken,
  tokenSigner,
} from '../../../release/token.ts';
import { passphraseFrom, pinOf } from './passphrase.ts';

/**
 * Opens keys: those in files all with the same passphrase, those in tokens with the PIN of each; nothing is asked for
 * without keys. @throws RefusedError `KEY_*`, `TOKEN` @throws UsageError `TOKEN_REFERENCE`
 */
export async function openSigners(
  names: readonly string[],
  passphraseFile: string | undefined,
): Promise<Signer[]> {
  const files = names.filter((name) => !isTokenReference(name));
  const contents = await Promise.all(files.map(async (file) => ({ file, content: await readKeyFile(file) })));
  const passphrase = files.length === 0 ? '' : await passphraseFrom(passphraseFile);
  const opened = contents.map(({ file, content }) => unsealKey(content, passphrase, file));
  return [...opened, ...(await openTokens(names))];
}

/** Those of the keys that open with the passphrase: the others belong to somebody else, who signs later. */
export async function openThoseThatOpen(
  names: readonly string[],
  passphraseFile: string | undefined,
): Promise<Signer[]> {
  const files = names.filter((name) => !isTokenReference(name));
  const contents = await Promise.all(files.map(async (file) => ({ file, content: await readKeyFile(file) })));
  const passphrase = files.length === 0 ? '' : await passphraseFrom(passphraseFile);
  const opened = contents.flatMap(({ file, content }) => {
    try {
      return [unsealKey(content, passphrase, file)];
    } catch (error) {
      if (error instanceof RefusedError && error.code === 'KEY_PASSPHRASE') return [];
      throw error;
    }
  });
  return [...opened, ...(await openTokens(names))];
}

/** The public half of a key in a file or a token. @throws as `openSigners` */
export async function publicKeyOf(name: string) {
  return isTokenReference(name)
    ? publicKeyInToken(parseTokenReference(name))
    : publicKeyIn(await readKeyFile(name));
}

export async function publicKeys(names: readonly string[]) {
  return Promise.all(names.map(publicKeyOf));
}

async function openTokens(names: readonly string[]): Promise<Signer[]> {
  const signers: Signer[] = [];
  for (const reference of names.filter(isTokenReference).map(parseTokenReference)) {
    signers.push(await tokenSigner(reference, await pinOf(reference.token)));
  }
  return signers;
}
