/**
 * A pull by the program itself from Debian's static web server, through a network that cuts connections: what arrives, and
 * how many bytes that takes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCuttingProxy } from '../support/cutting-proxy.ts';
import { hasLighttpd, type Lighttpd, startLighttpd } from '../support/lighttpd.ts';
import { Random } from '../support/random.ts';
import { bundleOfVersion } from '../support/updates/bundles.ts';
import { Office } from '../support/updates/office.ts';

describe.skipIf(!hasLighttpd)('a network that cuts connections', { timeout: 300_000 }, () => {
  let office: Office;
  let stick: string;
  let server: Lighttpd;
  const content = bundleOfVersion('99.0.0');
  const { length } = content;
  beforeAll(async () => {
    office = await Office.open();
    await office.add(content, '99.0.0', { name: 'qana64' });
    await office.publish();
    stick = await office.stick();
    server = await startLighttpd(stick);
  }, 120_000);
  afterAll(async () => {
    await server?.stop();
    office.end();
  });

  async function pullThrough(address: string, data: string) {
    const root = path.join(stick, 'metadata/1.root.json');
    const words = ['provision', 'pull', '--from', address, '--root', root, '--data', data, '--json'];
    const child = spawn(process.execPath, ['bin/spikescope.mjs', ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const [status] = await once(child, 'close');
    return { status, stdout, stderr };
  }

  it.each([
    ['5 % of all pieces of 64 KiB', 0.05, 3],
    ['30 % of all pieces of 64 KiB', 0.3, 4],
  ])(
    '%s are lost, and the release arrives whole and costs little more than its bytes',
    async (_, share, seed) => {
      const data = mkdtempSync(path.join(tmpdir(), 'lossy-'));
      const proxy = await startCuttingProxy(server.port, { random: new Random(seed), share });
      try {
        const { status, stdout, stderr } = await pullThrough(proxy.url, data);
        expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
        const told = JSON.parse(stdout);
        expect(told).toMatchObject({ outcome: 'pending', taken: [{ version: '99.0.0', length }] });
        expect(readFileSync(path.join(data, 'updates/slots/model-a/model.spikescope')).equals(content)).toBe(
          true,
        );
        // A release that was begun anew after each cut would hardly ever arrive.
        expect(proxy.cuts).toBeGreaterThan(0);
        expect(proxy.bytes).toBeGreaterThanOrEqual(length);
        expect(proxy.bytes).toBeLessThan(length * (1 + proxy.cuts));
        expect(told.bytes).toBeLessThanOrEqual(proxy.bytes);
        console.info(
          `${proxy.connections} connections, ${proxy.cuts} cut: ${proxy.bytes} bytes for ${length}`,
        );
      } finally {
        proxy.close();
        rmSync(data, { recursive: true, force: true });
      }
    },
  );
});
