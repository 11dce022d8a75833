/** The page of a real appliance whose medium dies: its journal stops, and the page goes on saying so. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { canMount, mountMedium } from '../../support/small-disk.ts';
import { hasChromium, openBrowser } from './support/browser.ts';
import { startAppliance } from './support/real-appliance.ts';

const PATIENCE = 120_000;

describe.skipIf(!hasChromium || !canMount())('the page of a real appliance whose medium dies', () => {
  it(
    'says that nothing can be recorded and what to do, also when the device has ended',
    async () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'dying-medium-'));
      const data = mkdtempSync(path.join(tmpdir(), 'dying-data-'));
      const medium = mountMedium(data, path.join(folder, 'card'));
      const appliance = await startAppliance(7, data);
      const browser = await openBrowser();
      try {
        const page = await browser.newPage({ viewport: { width: 480, height: 800 } });
        page.setDefaultTimeout(PATIENCE);
        await page.goto(appliance.url);
        const take = page.getByRole('button', { name: 'Take picture' });
        await take.click();
        await page.locator('.triage-word').waitFor();
        await page.keyboard.press('u');
        await take.waitFor();
        medium.die();
        await take.click();
        await page.getByText('The journal of results stops: nothing can be recorded.').waitFor();
        await appliance.ended;
        // Longer than the page waits before it looks for the device again.
        await page.waitForTimeout(3_000);
        const said = await page.locator('main').innerText();
        expect(said).toContain('The journal of results stops: nothing can be recorded.');
        expect(said).toContain('Stop working with this device and call the person who looks after it.');
        expect(said).toContain('Research only');
        expect(said).toMatch(/JOURNAL_/);
      } finally {
        await browser.close();
        await appliance.stop();
        medium.remove();
        rmSync(folder, { recursive: true, force: true });
        rmSync(data, { recursive: true, force: true });
      }
    },
    3 * PATIENCE,
  );
});
