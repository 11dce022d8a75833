import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { reasonOf, UsageError } from '../../../errors.ts';
import { SHORTEST_PASSPHRASE } from '../../../release/key-file.ts';

/**
 * Where a passphrase comes from: a file, the environment, or whoever sits at the terminal. @throws UsageError
 * `PASSPHRASE`
 */
export async function passphraseFrom(file: string | undefined, { isNew = false } = {}): Promise<string> {
  const given = file === undefined ? process.env.SPIKESCOPE_PASSPHRASE : await readPassphrase(file);
  const passphrase = given ?? (await ask('passphrase of the keys: '));
  if (!isNew) return passphrase;
  if (passphrase.length < SHORTEST_PASSPHRASE) {
    throw fault(`at least ${SHORTEST_PASSPHRASE} characters`, `${passphrase.length}`);
  }
  if (given === undefined && (await ask('again: ')) !== passphrase) {
    throw fault('the same twice', 'two different ones');
  }
  return passphrase;
}

/** The PIN of a token's user: from the environment, or whoever sits at the terminal. @throws UsageError `PASSPHRASE` */
export async function pinOf(token: string): Promise<string> {
  return process.env.SPIKESCOPE_PIN ?? ask(`PIN of the token ${token}: `, 'a PIN in $SPIKESCOPE_PIN');
}

async function readPassphrase(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
  } catch (cause) {
    throw new UsageError('PASSPHRASE', 'The file with the passphrase cannot be read', {
      file,
      received: reasonOf(cause),
      cause,
    });
  }
}

/** Without showing what is typed. */
async function ask(
  question: string,
  otherwise = 'a passphrase in --passphrase-file or $SPIKESCOPE_PASSPHRASE',
): Promise<string> {
  if (process.stdin.isTTY !== true) throw fault(otherwise, 'no terminal to ask at');
  process.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await new Promise((resolve, reject) => {
      terminal.once('line', resolve);
      terminal.once('close', () => reject(fault('a passphrase', 'the end of the input')));
    });
  } finally {
    terminal.close();
    process.stderr.write('\n');
  }
}

function fault(expected: string, received: string): UsageError {
  return new UsageError('PASSPHRASE', 'There is no passphrase to work with', { expected, received });
}
