import { Command } from 'commander';
import { carryOutCommand } from './carry-out.ts';
import { fetchCommand } from './fetch.ts';
import { firstBootCommand } from './first-boot.ts';
import { fleetStatusCommand } from './fleet-status.ts';
import { installCommand } from './install.ts';
import { activateCommand, rollbackCommand, statusCommand } from './installed.ts';
import { openInstalling } from './installing.ts';
import { keyCommand } from './key.ts';
import { proveCommand } from './prove.ts';
import { buildCommand, inspectCommand, publishCommand, sbomCommand, signCommand } from './publication.ts';
import { pullCommand } from './pull.ts';
import { repositoryCommand } from './repository.ts';
import { verifyCommand } from './verify.ts';

/**
 * `spikescope provision`: signed releases, on the machine of whoever makes them and on the device. What only the former
 * needs is loaded when it is called.
 */
export function provisionCommand(): Command {
  return new Command('provision')
    .description('Sign releases of models, application, configuration and system, and take them on a device')
    .addCommand(keyCommand())
    .addCommand(repositoryCommand())
    .addCommand(buildCommand())
    .addCommand(sbomCommand())
    .addCommand(signCommand())
    .addCommand(publishCommand())
    .addCommand(inspectCommand())
    .addCommand(verifyCommand())
    .addCommand(fetchCommand())
    .addCommand(installCommand())
    .addCommand(pullCommand(openInstalling))
    .addCommand(activateCommand())
    .addCommand(rollbackCommand())
    .addCommand(statusCommand())
    .addCommand(fleetStatusCommand())
    .addCommand(firstBootCommand(), { hidden: true })
    .addCommand(proveCommand(), { hidden: true })
    .addCommand(carryOutCommand(), { hidden: true });
}
