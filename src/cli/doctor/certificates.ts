import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { reasonOf } from '../../errors.ts';
import type { TlsFiles } from '../../telehealth/endpoint.ts';
import type { Check, Finding } from './check.ts';

const part = 'certificates';
const DAY = 86_400_000;
/** Long enough for an authority to be asked. */
const SOON = 60;

const WHOSE = { ca: 'the authority’s', cert: 'this device’s' } as const;

/** How long the certificates for the broker are good, one line each. Several in one file: the first that ends counts. */
export const checkCertificates: Check = async ({ tls = {} }) => {
  const names = (['ca', 'cert'] as const).filter((name) => tls[name] !== undefined);
  if (names.length === 0) return { part, state: 'absent', detail: 'none: the broker needs none here' };
  return Promise.all(names.map((name) => judged(name, tls)));
};

async function judged(name: keyof typeof WHOSE, tls: TlsFiles): Promise<Finding> {
  const file = tls[name] ?? '';
  try {
    const ends = endOf(await readFile(file, 'utf8'));
    const days = Math.floor((ends - Date.now()) / DAY);
    const detail = `${WHOSE[name]} certificate ${file} is good until ${new Date(ends).toISOString().slice(0, 10)}`;
    if (days >= SOON) return { part, state: 'works', detail };
    const remedy = 'bring a new one: docs/use/integration.md, “Setting up”';
    return { part, state: days < 0 ? 'broken' : 'unknown', detail: `${detail}, ${days} days`, remedy };
  } catch (error) {
    return { part, state: 'broken', detail: `${file}: ${reasonOf(error)}`, remedy: 'give it as PEM' };
  }
}

/** Milliseconds since 1970. @throws where there is no certificate in the text */
function endOf(pem: string): number {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [pem];
  return Math.min(...blocks.map((block) => Date.parse(new X509Certificate(block).validTo)));
}
