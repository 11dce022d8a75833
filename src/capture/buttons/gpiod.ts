import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { SpikescopeError, systemCodeOf } from '../../errors.ts';
import { headerChipIn } from './gpio-chip.ts';

/** The gpiod tools of this machine. */
export interface Gpiod {
  /** The header's chip, for example gpiochip0. */
  readonly chip: string;
  /** Of libgpiod: its tools changed their options with 2. */
  readonly major: 1 | 2;
}

const run = promisify(execFile);

/** @throws SpikescopeError `GPIO_MISSING` without the tools or without a Raspberry Pi's header */
export async function findGpiod(): Promise<Gpiod> {
  const [chips, version] = await Promise.all([run('gpiodetect'), run('gpiodetect', ['--version'])]).catch(
    (cause: Error) => {
      throw missing(toolsAbsence(cause), cause);
    },
  );
  const chip = headerChipIn(chips.stdout);
  if (chip === null) throw missing('no GPIO chip of a Raspberry Pi’s header');
  return { chip, major: / v?1\./.test(version.stdout) ? 1 : 2 };
}

function toolsAbsence(cause: Error): string {
  const isMissing = systemCodeOf(cause) === 'ENOENT';
  return isMissing ? 'the program gpiodetect is not installed' : cause.message.split('\n')[0];
}

function missing(received: string, cause?: unknown): SpikescopeError {
  return new SpikescopeError('GPIO_MISSING', 'There is no GPIO header here', {
    expected: 'a Raspberry Pi’s header, and the gpiod tools',
    received,
    remedy: 'apt-get install gpiod; or use the keyboard or MQTT commands',
    cause,
  });
}
