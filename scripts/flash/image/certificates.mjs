/** The authorities of the package ca-certificates, as update-ca-certificates lays them out. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline, tool } from './tools.mjs';

const FROM = '/usr/share/ca-certificates';

/**
 * @param {import('./namespace.mjs').Namespace} namespace
 * @param {string} root
 * @param {string} layer
 */
export function layCertificates(namespace, root, layer) {
  const names = namespace.run(['sh', '-ec', `cd "$1${FROM}" && find . -name "*.crt" | sort`, 'image', root]);
  const certificates = names
    .split('\n')
    .filter(Boolean)
    .map((name) => name.slice(2));
  const to = path.join(layer, 'etc/ssl/certs');
  mkdirSync(to, { recursive: true });
  writeFileSync(
    path.join(layer, 'etc/ca-certificates.conf'),
    certificates.map((name) => `${name}\n`).join(''),
  );
  const scratch = mkdtempSync(path.join(tmpdir(), 'spikescope-authorities-'));
  try {
    pipeline('to=$1; shift; "$@" | tar --extract --directory="$to"', [
      scratch,
      ...namespace.entry,
      ...['tar', '--create', '--dereference', `--directory=${root}${FROM}`, ...certificates],
    ]);
    const flat = path.join(scratch, 'flat');
    mkdirSync(flat);
    const all = certificates.map((name) => {
      const text = readFileSync(path.join(scratch, name), 'utf8');
      const pem = `${path.basename(name, '.crt').replace(/[()]/g, '=').replace(/[ ,]/g, '_')}.pem`;
      writeFileSync(path.join(flat, pem), text);
      symlinkSync(`${FROM}/${name}`, path.join(to, pem));
      return text.endsWith('\n') ? text : `${text}\n`;
    });
    writeFileSync(path.join(to, 'ca-certificates.crt'), all.join(''));
    // OpenSSL finds an authority in a folder by a link that is called by the digest of its name.
    tool('openssl', ['rehash', flat]);
    for (const name of readdirSync(flat).sort()) {
      if (/^[0-9a-f]{8}\.\d+$/.test(name))
        symlinkSync(readlinkSync(path.join(flat, name)), path.join(to, name));
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
