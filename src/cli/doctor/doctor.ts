import path from 'node:path';
import { Command } from 'commander';
import { EXIT, printable } from '../../errors.ts';
import { DEFAULT_MODEL } from '../../runtime/engine/open-model.ts';
import { defaultDataFolder } from '../../store/folder.ts';
import { colour, print, printJson } from '../../ui/terminal/console.ts';
import { checkCard } from './akida-card.ts';
import { checkBroker } from './broker.ts';
import { checkCamera } from './camera.ts';
import type { Check, Finding, Surroundings } from './check.ts';
import { checkClock } from './clock.ts';
import { checkEngine } from './engine.ts';
import { checkGpio } from './gpio.ts';
import { checkStorage } from './storage.ts';

const CHECKS: readonly Check[] = [
  checkEngine,
  checkCard,
  checkCamera,
  checkGpio,
  checkClock,
  checkStorage,
  checkBroker,
];

interface DoctorOptions {
  readonly model: string;
  readonly data?: string;
  readonly broker?: string;
  readonly json?: boolean;
}

/** `spikescope doctor`: what works on this machine, and how to mend what does not. Exit 1 when something is broken. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description(
      'Say what of card, camera, buttons, clock, storage and broker works here, and how to mend the rest',
    )
    .option('--model <bundle>', 'model bundle (default: the one that ships in models/)', DEFAULT_MODEL)
    .option('--data <folder>', 'folder of journal and identity (default: $XDG_STATE_HOME/spikescope)')
    .option('--broker <url>', 'a broker to try, mqtt://host[:port] or mqtts://host[:port]')
    .option('--json', 'one JSON document on stdout')
    .action(async ({ model, data, broker, json = false }: DoctorOptions) => {
      const findings = await examine({
        dev: '/dev',
        sys: '/sys',
        model,
        dataFolder: path.resolve(data ?? defaultDataFolder()),
        ...(broker !== undefined && { broker }),
      });
      if (json) printJson({ findings });
      else for (const finding of findings) showFinding(finding);
      if (findings.some(({ state }) => state === 'broken')) process.exitCode = EXIT.failed;
    });
}

/** Every check's finding, in order. One after the other: cameras and clocks are asked through programs. */
export async function examine(surroundings: Surroundings): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const check of CHECKS) findings.push(await check(surroundings));
  return findings;
}

const MARKS = { works: colour.green('✓'), absent: colour.dim('–'), broken: colour.red('✗') } as const;

function showFinding({ part, state, detail, remedy }: Finding): void {
  print(`${MARKS[state]} ${part.padEnd(8)} ${printable(detail)}`);
  if (remedy !== undefined && state !== 'works') print(`           ${colour.dim(`→ ${printable(remedy)}`)}`);
}
