/**
 * The commands as processes of their own, with the vendor's engine, on a card that is played. The nightly build adds 500
 * captures, for which the card's minute passes as it does.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BackendBench } from '../../src/bench/backend.ts';
import { type Result, resultSchema } from '../../src/telehealth/result.ts';
import { cardAddonOrNull } from '../support/akida-device/addon.ts';
import { PlayedCard } from '../support/akida-device/card.ts';
import { PhantomFolder } from '../support/card-bench.ts';

const MODEL = 'models/qana-akd1000.spikescope';
const NIGHTLY = process.env.SPIKESCOPE_CARD_CAPTURES;
/** Milliseconds that a capture of the nightly build takes at least: a card that died is back long before the last. */
const NIGHTLY_INTERVAL = 600;

const addon = cardAddonOrNull();

/** A command under way. */
class Command {
  readonly process: ChildProcess;
  readonly stdout: string[] = [];
  stderr = '';
  readonly #ended: Promise<unknown[]>;

  constructor(device: string, args: readonly string[]) {
    const env = { ...process.env, SPIKESCOPE_ADDON: addon ?? '', SPIKESCOPE_AKIDA_DEVICE: device };
    this.process = spawn(process.execPath, ['bin/spikescope.mjs', ...args], { env });
    this.#ended = once(this.process, 'close');
    const { stdout, stderr } = this.process;
    if (stdout === null || stderr === null) throw new Error('The command has no output');
    createInterface({ input: stdout }).on('line', (line) => this.stdout.push(line));
    stderr.on('data', (part) => {
      this.stderr += part;
    });
  }

  get results(): Result[] {
    return this.stdout.map((line) => resultSchema.parse(JSON.parse(line)));
  }

  /** Resolves once it has shown so many results. */
  async shows(count: number): Promise<void> {
    await expect
      .poll(() => this.stdout.length, { interval: 10, timeout: 600_000 })
      .toBeGreaterThanOrEqual(count);
  }

  /** Its exit code. */
  async ends(): Promise<unknown> {
    const [code] = await this.#ended;
    return code;
  }

  async kill(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill('SIGKILL');
    await this.#ended;
  }
}

describe.skipIf(addon === null)('with a played card', { timeout: 300_000 }, () => {
  const images = new PhantomFolder();
  let card: PlayedCard;
  let folder: string;
  const commands: Command[] = [];
  beforeAll(async () => {
    await images.draw();
    card = await PlayedCard.play(MODEL);
  });
  afterAll(async () => {
    await card?.end();
    images.remove();
  });
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'spikescope-commands-'));
  });
  afterEach(async () => {
    await Promise.all(commands.splice(0).map((command) => command.kill()));
    rmSync(folder, { recursive: true, force: true });
  });

  function start(device: string, ...args: string[]): Command {
    const command = new Command(device, args);
    commands.push(command);
    return command;
  }

  const bench = (device = card.device) =>
    start(
      device,
      'bench',
      '--backend',
      'akida',
      '--model',
      MODEL,
      '--batch',
      '1,15',
      '--iterations',
      '10',
      '--json',
    );
  const run = (data: string, ...args: string[]) =>
    start(
      card.device,
      ...['run', '--model', MODEL, '--source', `replay:${images.folder}`, '--learning', 'off'],
      ...['--data', path.join(folder, data), '--json', ...args],
    );

  it('bench --backend akida times it, says that it is played, and has no figure of energy', async () => {
    const command = bench();
    expect(await command.ends(), command.stderr).toBe(0);
    const document: BackendBench = JSON.parse(command.stdout.join('\n'));
    expect(document).toMatchObject({
      ...{ backend: 'akida', runsOn: 'AKD1000', timed: 'played card', energy: null },
      model: { name: 'qana-akd1000' },
    });
    expect(document.results.map(({ batch }) => batch)).toEqual([1, 15]);
    for (const { latency } of document.results) {
      expect(latency.median).toBeGreaterThan(0);
      expect(latency.p99).toBeGreaterThanOrEqual(latency.median);
    }
  });

  it('a second process is refused while another has the card, or reads without it, and the first goes on', async () => {
    const first = run('first', '--backend', 'akida', '--count', '1000', '--interval', '50');
    await first.shows(1);
    const refused = bench();
    expect(await refused.ends()).toBe(1);
    expect(refused.stderr).toContain('[DEVICE_BUSY]');
    expect(refused.stdout).toEqual([]);
    const other = run('other', '--backend', 'auto', '--count', '2');
    expect(await other.ends(), other.stderr).toBe(0);
    expect(other.results.map(({ backend }) => backend)).toEqual(['cpu', 'cpu']);
    expect(other.stderr).toContain('[DEVICE_BUSY]');
    await first.shows(first.stdout.length + 2);
    expect(new Set(first.results.map(({ backend }) => backend))).toEqual(new Set(['akida']));
  });

  it('the card is free again once the process that had it was killed', async () => {
    const first = run('first', '--backend', 'akida', '--count', '1000', '--interval', '50');
    await first.shows(1);
    await first.kill();
    const second = run('second', '--backend', 'akida', '--count', '1');
    expect(await second.ends(), second.stderr).toBe(0);
    expect(second.results.map(({ backend }) => backend)).toEqual(['akida']);
  });

  it.skipIf(!canMakeNode())(
    'of a character device, too, one process at a time is the owner (needs root for mknod)',
    async () => {
      const node = path.join(folder, 'akida0');
      makeNode(node);
      const owner = spawn('flock', ['--exclusive', node, '-c', 'echo has it; cat'], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      await once(owner.stdout, 'data');
      const refused = bench(node);
      expect(await refused.ends()).toBe(1);
      expect(refused.stderr).toContain('[DEVICE_BUSY]');
      owner.stdin.end();
      await once(owner, 'close');
      const next = bench(node);
      expect(await next.ends()).toBe(1);
      // The null device: it may be had, and moves nothing.
      expect(next.stderr).toContain('[DEVICE_TRANSFER]');
    },
  );

  it.skipIf(NIGHTLY === undefined)(
    'run loses none of 500 captures when the card is killed twice (nightly: SPIKESCOPE_CARD_CAPTURES)',
    { timeout: 1_800_000 },
    async () => {
      const count = Number(NIGHTLY);
      const command = run(
        'data',
        '--backend',
        'akida',
        '--count',
        NIGHTLY ?? '',
        '--interval',
        String(NIGHTLY_INTERVAL),
      );
      for (const death of [Math.floor(count / 10), Math.floor(count / 2)]) {
        await command.shows(death);
        await card.kill();
        await command.shows(death + 10);
        await card.restart();
      }
      expect(await command.ends(), command.stderr).toBe(0);
      const { results } = command;
      expect(results).toHaveLength(count);
      expect(new Set(results.map(({ id }) => id)).size).toBe(count);
      expect(results.every(({ accepted, fault }) => accepted && fault === undefined)).toBe(true);
      const turns = results.map(({ backend }) => backend).filter((name, i, all) => name !== all[i - 1]);
      expect(turns).toEqual(['akida', 'cpu', 'akida', 'cpu', 'akida']);
      const verify = start(card.device, 'journal', 'verify', '--data', path.join(folder, 'data'), '--json');
      expect(await verify.ends()).toBe(0);
      expect(JSON.parse(verify.stdout.join('\n'))).toMatchObject({ sound: true, waiting: 0 });
    },
  );
});

function makeNode(file: string): void {
  execFileSync('mknod', [file, 'c', '1', '3'], { stdio: 'ignore' });
}

function canMakeNode(): boolean {
  const folder = mkdtempSync(path.join(tmpdir(), 'spikescope-node-'));
  try {
    makeNode(path.join(folder, 'null'));
    execFileSync('flock', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
