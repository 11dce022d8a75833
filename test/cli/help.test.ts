import { afterEach, describe, expect, it, vi } from 'vitest';
import { EXAMPLES } from '../../src/cli/examples.ts';
import { COMMANDS, main } from '../../src/cli/main.ts';

afterEach(() => vi.restoreAllMocks());

async function helpOf(...command: string[]): Promise<string> {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  expect(await main([...command, '--help'])).toBe(0);
  vi.restoreAllMocks();
  return text;
}

/** Commands below another, of which examples are shown. */
const BELOW: Readonly<Record<string, readonly string[]>> = {
  journal: ['verify', 'resend'],
  provision: [
    ...['key new', 'repository init', 'repository add', 'publish', 'verify', 'fetch'],
    ...['pull', 'fleet-status'],
  ],
};

describe('wrong usage', () => {
  it.each([
    ['doctor', '--bogus'],
    ['journal', 'verify', '--bogus'],
    ['journal', 'resend'],
  ])('of %s %s ends with 2, also of a command below another', async (...words) => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    expect(await main(words)).toBe(2);
  });
});

it('listens to the output once, however often it is called', async () => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  await main(['doctor', '--bogus']);
  const listeners = () => [process.stdout, process.stderr].map((stream) => stream.listenerCount('error'));
  const before = listeners();
  for (let i = 0; i < 3; i++) await main(['doctor', '--bogus']);
  expect(listeners()).toEqual(before);
});

describe('--help', { timeout: 120_000 }, () => {
  it('lists every command', async () => {
    const help = await helpOf();
    for (const name of Object.keys(COMMANDS)) expect(help).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
  });

  it.each(Object.entries(EXAMPLES))(
    'of %s shows examples, with options that it has',
    async (name, examples) => {
      const help = await helpOf(name);
      const below: string[] = [];
      for (const words of BELOW[name] ?? []) below.push(await helpOf(name, ...words.split(' ')));
      const known = [help, ...below].join();
      for (const example of examples) {
        expect(help).toContain(`  ${example}\n`);
        for (const [option] of example.matchAll(/--[a-z-]+/g))
          expect(known).toMatch(new RegExp(`${option}\\b[ <\\[]`));
      }
    },
  );
});
