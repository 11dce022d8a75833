import { describe, expect, it } from 'vitest';
import { convertCommand } from '../../src/cli/convert/convert.ts';
import { backendNote } from '../../src/cli/train/progress.ts';
import { UsageError } from '../../src/errors.ts';
import { settingsSchema } from '../../src/runtime/appliance/settings/settings.ts';
import { firstIssue } from '../../src/schema.ts';
import { runCommand } from '../support/run-command.ts';

const placed = (field: string) => new UsageError('X', 'Wrong', { field }).describe();

describe('an error', () => {
  it('calls an option, a line or an address by what it is, and only fields “field”', () => {
    expect(placed('--broker')).toBe('Wrong (--broker) [X]');
    expect(placed('line 3, column 1')).toBe('Wrong (line 3, column 1) [X]');
    expect(placed('mqtt://127.0.0.1:1883')).toBe('Wrong (mqtt://127.0.0.1:1883) [X]');
    expect(placed('alpha')).toBe('Wrong (field alpha) [X]');
  });

  it('says what was expected, without the words of the schema library', () => {
    const parsed = settingsSchema.shape.allowCommands.safeParse(['foo']);
    if (parsed.success) throw new Error('foo is no command');
    expect(firstIssue(parsed.error).expected).toMatch(/^one of capture, label, /);
  });

  it('of an option reads as a sentence', async () => {
    const args = ['--from', 'm', '--out', 'o', '--images', '1e9'];
    const { fault } = await runCommand(convertCommand(), args);
    expect(fault?.describe()).toBe(
      'An option has a value that it cannot have (--images): expected number to be <=100000 [OPTION_VALUE]',
    );
  });
});

describe('slow training', () => {
  it('says beforehand that it will be, and what would be faster', () => {
    expect(backendNote('cpu')).toMatch(/minutes(?:.|\n)*apt-get install libtorch-dev/);
    expect(backendNote('torch')).toBe('Backend: torch.');
  });
});
