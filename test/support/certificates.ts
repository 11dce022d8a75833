import { execFileSync } from 'node:child_process';
import path from 'node:path';

export function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Makes real certificates in a folder, with openssl; each as NAME.crt with NAME.key. */
export class CertificateFolder {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  file(name: string): string {
    return path.join(this.#folder, name);
  }

  authority(name: string): void {
    this.#openssl(
      'req',
      '-x509',
      ...KEY,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.crt`,
      ...subject(name),
      ...DAYS,
    );
  }

  /** @param host the name that the certificate is for */
  signed(name: string, by: string, { host = name, validity = DAYS } = {}): void {
    const alternative = ['-addext', `subjectAltName=DNS:${host}`];
    this.#openssl(
      'req',
      ...KEY,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      ...subject(host),
      ...alternative,
    );
    this.#openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', `${by}.crt`, '-CAkey', `${by}.key`, '-CAcreateserial'],
      ...['-copy_extensions', 'copy', '-out', `${name}.crt`, ...validity],
    );
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.#folder, stdio: 'ignore' });
  }
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
const DAYS = ['-days', '2'];
/** Valid from now to yesterday: expired before it was made. */
export const EXPIRED = ['-days', '-1'];

function subject(name: string): string[] {
  return ['-subj', `/CN=${name}`];
}
