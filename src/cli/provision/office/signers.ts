import { RefusedError } from '../../../errors.ts';
import { publicKeyIn, readKeyFile, unsealKey } from '../../../release/key-file.ts';
import type { Signer } from '../../../release/signer.ts';
import { passphraseFrom } from './passphrase.ts';

/** Opens keys, all with the same passphrase; none are asked for without files. @throws RefusedError `KEY_*` */
export async function openSigners(
  files: readonly string[],
  passphraseFile: string | undefined,
): Promise<Signer[]> {
  if (files.length === 0) return [];
  const contents = await Promise.all(files.map(async (file) => ({ file, content: await readKeyFile(file) })));
  const passphrase = await passphraseFrom(passphraseFile);
  return contents.map(({ file, content }) => unsealKey(content, passphrase, file));
}

/** Those of the keys that open with the passphrase: the others belong to somebody else, who signs later. */
export async function openThoseThatOpen(
  files: readonly string[],
  passphraseFile: string | undefined,
): Promise<Signer[]> {
  const contents = await Promise.all(files.map(async (file) => ({ file, content: await readKeyFile(file) })));
  const passphrase = await passphraseFrom(passphraseFile);
  return contents.flatMap(({ file, content }) => {
    try {
      return [unsealKey(content, passphrase, file)];
    } catch (error) {
      if (error instanceof RefusedError && error.code === 'KEY_PASSPHRASE') return [];
      throw error;
    }
  });
}

export async function publicKeys(files: readonly string[]) {
  return Promise.all(files.map(async (file) => publicKeyIn(await readKeyFile(file))));
}
