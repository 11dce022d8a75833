import { z } from 'zod';
import { sealKey, writeKeyFile } from '../../../release/key-file.ts';
import { newKey, publicKey } from '../../../release/signer.ts';
import { print, printJson } from '../../../ui/terminal/console.ts';
import { parseOptions } from '../../shared/options.ts';
import { passphraseFrom } from './passphrase.ts';
import { publicKeyOf } from './signers.ts';

const optionsSchema = z.object({ passphraseFile: z.string().optional(), json: z.boolean().default(false) });

export async function makeKeys(files: readonly string[], raw: unknown): Promise<void> {
  const { passphraseFile, json } = parseOptions(optionsSchema, raw);
  const passphrase = await passphraseFrom(passphraseFile, { isNew: true });
  const made: { file: string; id: string }[] = [];
  for (const file of files) {
    const key = newKey();
    await writeKeyFile(file, sealKey(key, passphrase));
    made.push({ file, id: publicKey(key.publicHex).keyID });
  }
  show(made, json);
}

export async function showKeys(files: readonly string[], raw: unknown): Promise<void> {
  const { json } = parseOptions(optionsSchema, raw);
  const found = files.map(async (file) => ({ file, id: (await publicKeyOf(file)).keyID }));
  show(await Promise.all(found), json);
}

function show(keys: readonly { file: string; id: string }[], json: boolean): void {
  if (json) printJson({ keys });
  else for (const { file, id } of keys) print(`${id}  ${file}`);
}
