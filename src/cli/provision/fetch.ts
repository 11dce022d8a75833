import { Command } from 'commander';
import { print, printJson, startProgress } from '../../ui/terminal/console.ts';
import { fittingRelease } from '../../updates/compatibility.ts';
import type { Repository } from '../../updates/updates.ts';
import { parseOptions } from '../shared/options.ts';
import { deviceFacts } from './device-facts.ts';
import { deviceSchema, withDeviceOptions, withUpdates } from './device-options.ts';

export function fetchCommand(): Command {
  const command = new Command('fetch')
    .description(
      'Bring a release onto this device, verified while it is written; it goes on where it was ended',
    )
    .argument('<target>', 'name as `provision verify` lists it');
  return withDeviceOptions(command).action(async (name: string, raw: unknown) => {
    const options = parseOptions(deviceSchema, raw);
    const outcome = await withUpdates(options, (updates, source) =>
      updates.use(source, (repository) => fetchFitting(repository, name), {
        acceptExpired: options.acceptExpired ?? null,
      }),
    );
    if (options.json) {
      const result = outcome.outcome === 'trusted' ? outcome.result : outcome;
      printJson({ source: options.from, target: name, ...result, outcome: outcome.outcome });
    } else if (outcome.outcome === 'older') {
      print(
        `older than this device: it has ${outcome.received}, here is ${outcome.expected}; nothing was taken`,
      );
    } else print(outcome.result.file);
  });
}

async function fetchFitting(repository: Repository, name: string): Promise<{ file: string; length: number }> {
  const target = await repository.target(name);
  fittingRelease(target, await deviceFacts());
  const progress = startProgress('bytes', target.length);
  let done = 0;
  try {
    const file = await repository.fetch(target, {
      onProgress: (bytes) => {
        progress.advance(bytes - done);
        done = bytes;
      },
    });
    return { file, length: target.length };
  } finally {
    progress.stop();
  }
}
