#!/usr/bin/env node
/**
 * The gpiod tools for tests: gpiodetect, gpiomon and gpioset by the name they are called with. FAKE_GPIOD (JSON): `major`
 * of libgpiod, `calls` a file to which each call adds a line, `edges` as [milliseconds, pin, falling or rising] after the
 * start, `exit` whether gpiomon then ends.
 */
import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const { major = 2, calls = null, edges = [], exit = false } = JSON.parse(process.env.FAKE_GPIOD ?? '{}');
const name = path.basename(process.argv[1]);
const args = process.argv.slice(2);
if (args[0] === '--version') {
  console.log(`${name} (libgpiod) v${major === 1 ? '1.6.3' : '2.2.1'}`);
} else if (name === 'gpiodetect') {
  console.log('gpiochip10 [gpio-brcmstb@107d508500] (32 lines)\ngpiochip0 [pinctrl-rp1] (54 lines)');
} else {
  if (calls !== null) appendFileSync(calls, `${[name, ...args].join(' ')}\n`);
  if (name === 'gpiomon') {
    const start = performance.now();
    for (const [at, pin, edge] of edges) {
      await delay(Math.max(0, at - (performance.now() - start)));
      process.stdout.write(`${pin} ${major === 1 ? (edge === 'falling' ? 0 : 1) : edge}\n`);
    }
    if (exit) process.exit(1);
  }
  await delay(1e9);
}
