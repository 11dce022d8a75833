import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Connection } from '../../src/telehealth/connection.ts';
import { parseEndpoint, type TlsFiles } from '../../src/telehealth/endpoint.ts';
import { CertificateFolder, EXPIRED, hasOpenssl } from '../support/certificates.ts';
import { hasMosquitto, type Mosquitto, startMosquitto } from '../support/mosquitto.ts';

describe.skipIf(!hasMosquitto || !hasOpenssl())('an encrypted connection', () => {
  let folder: string;
  let certificates: CertificateFolder;
  let broker: Mosquitto | undefined;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'tls-'));
    certificates = new CertificateFolder(folder);
    for (const name of ['clinic', 'other']) certificates.authority(name);
    certificates.signed('broker', 'clinic', { host: 'localhost' });
    certificates.signed('elsewhere', 'clinic', { host: 'broker.example' });
    certificates.signed('expired', 'clinic', { host: 'localhost', validity: EXPIRED });
    certificates.signed('scope-1', 'clinic');
    certificates.signed('intruder', 'other', { host: 'scope-1' });
  });
  afterEach(async () => {
    await broker?.stop();
    broker = undefined;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** A broker with this certificate; with `mutual`, one that asks for the device's as well. */
  async function start(certificate: string, { mutual = false } = {}): Promise<void> {
    const names = [`${certificate}.crt`, `${certificate}.key`, 'clinic.crt'];
    broker = await startMosquitto({
      configuration: [
        mutual ? 'allow_anonymous false' : 'allow_anonymous true',
        `certfile {folder}/${certificate}.crt`,
        `keyfile {folder}/${certificate}.key`,
        ...(mutual
          ? ['cafile {folder}/clinic.crt', 'require_certificate true', 'use_identity_as_username true']
          : []),
      ],
      files: Object.fromEntries(names.map((name) => [name, readFileSync(certificates.file(name), 'utf8')])),
    });
  }

  /** Connects, and sends a message so that the broker has to have admitted us. */
  async function connect(files: TlsFiles): Promise<void> {
    const endpoint = parseEndpoint(`mqtts://localhost:${broker?.port}`, files);
    const connection = await Connection.open(endpoint, { clientId: 'spikescope-scope-1', patience: 5000 });
    try {
      await connection.publish({ topic: 'spikescope/scope-1/result', payload: '{}', retain: false });
    } finally {
      await connection.close();
    }
  }

  const trusted = () => ({ ca: certificates.file('clinic.crt') });
  const own = (name: string) => ({
    ...trusted(),
    cert: certificates.file(`${name}.crt`),
    key: certificates.file(`${name}.key`),
  });

  it('is made to a broker whose certificate the given authority signed', async () => {
    await start('broker');
    await expect(connect(trusted())).resolves.toBeUndefined();
  });

  it.each([
    ['signed by an authority that was not given', 'broker', { ca: 'other.crt' }],
    ['signed by none that the system trusts', 'broker', {}],
    ['made for another host', 'elsewhere', { ca: 'clinic.crt' }],
    ['expired', 'expired', { ca: 'clinic.crt' }],
  ])(
    'is not made to one whose certificate is %s, whatever the environment says',
    async (_, name, { ca }: TlsFiles) => {
      await start(name);
      const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
      try {
        await expect(connect(ca ? { ca: certificates.file(ca) } : {})).rejects.toMatchObject({
          code: 'BROKER_UNTRUSTED',
        });
      } finally {
        if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
        else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
      }
    },
  );

  it('tells to look at the clock where only the date is wrong', async () => {
    await start('expired');
    await expect(connect(trusted())).rejects.toMatchObject({
      details: { remedy: expect.stringContaining('clock') },
    });
  });

  it('with certificates on both sides admits the device by its own', async () => {
    await start('broker', { mutual: true });
    await expect(connect(own('scope-1'))).resolves.toBeUndefined();
    expect(broker?.log()).toContain("u'scope-1'");
  });

  it.each([
    ['without a certificate', () => trusted()],
    ['with one that another authority signed', () => own('intruder')],
  ])('with certificates on both sides turns a device away %s', async (_, files) => {
    await start('broker', { mutual: true });
    await expect(connect(files())).rejects.toMatchObject({
      code: 'BROKER_REFUSED',
      details: { remedy: expect.stringContaining('--cert') },
    });
  });

  it('is not made with a key that belongs to another certificate', async () => {
    await start('broker', { mutual: true });
    const mixed = { ...own('scope-1'), key: certificates.file('intruder.key') };
    await expect(connect(mixed)).rejects.toMatchObject({ code: 'BROKER_TLS', exitCode: 2 });
  });
});
