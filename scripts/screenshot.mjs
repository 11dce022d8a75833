/**
 * README's picture: the screen of a real appliance that has read a phantom, as Chromium shows it. A drawing is read, never a
 * person's skin.
 *
 *     node scripts/screenshot.mjs [--out docs/screen.png] [--size 800x480] [--language en] [--seed 7]
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import sharp from 'sharp';
import { asScript, root, say } from './support/programs.mjs';

const CHROMIUM = '/usr/bin/chromium';
/** Bytes that a picture in the repository may have. */
const LIMIT = 150_000;

/**
 * Starts an appliance that reads phantoms at a press.
 * @param {string} seed
 * @param {string} data folder
 */
async function startAppliance(seed, data) {
  const options = [
    '--source',
    'phantom',
    '--seed',
    seed,
    '--trigger',
    'buttons',
    '--screen',
    '0',
    '--data',
    data,
  ];
  const appliance = spawn(process.execPath, ['bin/spikescope.mjs', 'run', ...options, '--broker-port', '0'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  /** @type {string[]} */
  const said = [];
  for await (const line of createInterface({ input: appliance.stderr })) {
    const address = /^\s*screen\s+(http:\S+)/.exec(line)?.[1];
    if (address !== undefined) return { appliance, address };
    said.push(line);
  }
  throw new Error(`the appliance told no address of its screen: ${said.join('\n')}`);
}

/**
 * @param {string} address
 * @param {{ width: number, height: number }} viewport
 * @param {string} language
 * @returns {Promise<Buffer>} PNG
 */
async function photograph(address, viewport, language) {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu'],
  });
  try {
    const page = await browser.newPage({ viewport });
    await page.addInitScript(`localStorage.setItem('language', ${JSON.stringify(language)})`);
    await page.goto(address);
    await page.locator('.take .action').click();
    await page.locator('.reading').waitFor();
    // The frozen frame is fetched after the reading is there.
    await page.waitForTimeout(1000);
    return await page.screenshot({ animations: 'disabled' });
  } finally {
    await browser.close();
  }
}

/** @param {string} size such as 800x480 */
function viewportOf(size) {
  const [width, height] = size.split('x').map(Number);
  if (!(width > 0 && height > 0))
    throw new Error(`--size needs width and height such as 800x480, not ${size}`);
  return { width, height };
}

await asScript(import.meta.url, async () => {
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: 'docs/screen.png' },
      size: { type: 'string', default: '800x480' },
      language: { type: 'string', default: 'en' },
      seed: { type: 'string', default: '7' },
    },
  });
  if (!existsSync(CHROMIUM)) throw new Error(`${CHROMIUM} is missing: apt-get install chromium`);
  const data = mkdtempSync(path.join(tmpdir(), 'spikescope-screenshot-'));
  const { appliance, address } = await startAppliance(values.seed, data);
  try {
    const picture = await photograph(address, viewportOf(values.size), values.language);
    const { size } = await sharp(picture).png({ palette: true, quality: 90, effort: 10 }).toFile(values.out);
    if (size > LIMIT) throw new Error(`${values.out} has ${size} bytes, over ${LIMIT}`);
    say(`spikescope: ${values.out}, ${(size / 1000).toFixed(0)} kB`);
  } finally {
    appliance.kill();
    rmSync(data, { recursive: true, force: true });
  }
});
