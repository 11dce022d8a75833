import { Command } from 'commander';
import { fetchCommand } from './fetch.ts';
import { installCommand } from './install.ts';
import { activateCommand, rollbackCommand, statusCommand } from './installed.ts';
import { keyCommand } from './key.ts';
import { proveModelCommand } from './prove-model.ts';
import { buildCommand, inspectCommand, publishCommand, signCommand } from './publication.ts';
import { repositoryCommand } from './repository.ts';
import { verifyCommand } from './verify.ts';

/**
 * `spikescope provision`: signed releases, on the machine of whoever makes them and on the device. What only the former
 * needs is loaded when it is called.
 */
export function provisionCommand(): Command {
  return new Command('provision')
    .description('Sign releases of models, application and configuration, and take them on a device')
    .addCommand(keyCommand())
    .addCommand(repositoryCommand())
    .addCommand(buildCommand())
    .addCommand(signCommand())
    .addCommand(publishCommand())
    .addCommand(inspectCommand())
    .addCommand(verifyCommand())
    .addCommand(fetchCommand())
    .addCommand(installCommand())
    .addCommand(activateCommand())
    .addCommand(rollbackCommand())
    .addCommand(statusCommand())
    .addCommand(proveModelCommand(), { hidden: true });
}
