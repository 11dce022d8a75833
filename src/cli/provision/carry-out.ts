import path from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { defaultDataFolder } from '../../store/folder.ts';
import { print } from '../../ui/terminal/console.ts';
import { carryOut, endTrial, ownRights } from '../../updates/system/carry-out.ts';
import { ADMINISTRATOR_PLACES, DEVICE_PLACES } from '../../updates/system/places.ts';
import { parseOptions } from '../shared/options.ts';

const optionsSchema = z.object({ data: z.string().min(1).optional(), endTrial: z.boolean().default(false) });

/** What units start that have the rights to it; nobody types it. */
export function carryOutCommand(): Command {
  return new Command('carry-out')
    .description('Carry out, as the administrator, what the appliance asked of the boot configuration')
    .option('--data <folder>', 'folder of the journal (default: $XDG_STATE_HOME/spikescope)')
    .option('--end-trial', 'restart a system that was not confirmed in its time')
    .action(async (raw: unknown) => {
      const options = parseOptions(optionsSchema, raw);
      const [places, rights] = [ADMINISTRATOR_PLACES, ownRights()];
      if (options.endTrial) {
        if (await endTrial({ places, rights })) print('the system was not confirmed in its time: restart');
        return;
      }
      const data = path.resolve(options.data ?? defaultDataFolder());
      const done = await carryOut({ data, places, rights, shown: DEVICE_PLACES.config });
      print(done === null ? 'nothing was asked for' : `${done}: done`);
    });
}
