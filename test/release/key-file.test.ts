import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { publicKeyIn, readKeyFile, sealKey, unsealKey, writeKeyFile } from '../../src/release/key-file.ts';
import { newKey, signerOf } from '../../src/release/signer.ts';

/** Less work than a key in earnest. */
const COST = 2 ** 14;
let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'key-file-'));
  file = path.join(folder, 'key.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a key file', () => {
  it('opens with its passphrase, however that was composed, and signs as the key does', async () => {
    const key = newKey();
    await writeKeyFile(file, sealKey(key, 'caf\u00e9 au lait', COST));
    const signer = unsealKey(await readKeyFile(file), 'cafe\u0301 au lait', file);
    const bytes = Buffer.from('metadata');
    expect(signer.sign(bytes)).toEqual(signerOf(key.privateKey, key.publicHex).sign(bytes));
    expect(publicKeyIn(await readKeyFile(file)).keyID).toBe(signer.key.keyID);
  });

  it('is for its owner alone, is never written over another, and shows nothing of the key', async () => {
    const key = newKey();
    await writeKeyFile(file, sealKey(key, 'a passphrase', COST));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const before = readFileSync(file, 'utf8');
    await expect(writeKeyFile(file, sealKey(newKey(), 'b', COST))).rejects.toMatchObject({
      code: 'KEY_UNWRITABLE',
    });
    expect(readFileSync(file, 'utf8')).toBe(before);
    const secret = Buffer.from(String(key.privateKey.export({ format: 'jwk' }).d), 'base64url');
    for (const form of ['hex', 'base64'] as const)
      expect(before).not.toContain(secret.toString(form).slice(0, 12));
  });

  it('does not open with another passphrase, nor with anything in it changed', async () => {
    const sealed = sealKey(newKey(), 'a passphrase', COST);
    expect(() => unsealKey(sealed, 'another', file)).toThrow(
      expect.objectContaining({ code: 'KEY_PASSPHRASE', exitCode: 3 }),
    );
    const other = { ...sealed, public: newKey().publicHex };
    expect(() => unsealKey(other, 'a passphrase', file)).toThrow(
      expect.objectContaining({ code: 'KEY_PASSPHRASE' }),
    );
  });

  it.each([
    ['no JSON', 'x'],
    ['another document', '{}'],
    ['a cost that takes all memory', (text: string) => text.replace(String(COST), String(2 ** 30))],
    ['a salt that is none', (text: string) => text.replace(/"salt": "[^"]+"/, '"salt": ""')],
  ])('that is %s is refused', async (_, content) => {
    const text = JSON.stringify(sealKey(newKey(), 'a passphrase', COST), null, 2);
    writeFileSync(file, typeof content === 'string' ? content : content(text));
    await expect(readKeyFile(file)).rejects.toMatchObject({ code: 'KEY_FILE', exitCode: 3 });
  });
});
