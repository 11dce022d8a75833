import { Command, Option } from 'commander';
import { channel, describing, json, keys, passphraseFile, site } from './options.ts';

const FOLDER = 'folder of the repository: public/ in it is what devices read';

export function repositoryCommand(): Command {
  return new Command('repository')
    .description('Make a repository of releases, and change what is in it')
    .addCommand(initCommand())
    .addCommand(addCommand())
    .addCommand(delegateCommand())
    .addCommand(rotateCommand())
    .addCommand(serveCommand());
}

function initCommand(): Command {
  return new Command('init')
    .description('Begin a repository; those keys sign at once that open with the passphrase')
    .argument('<folder>', 'a new folder')
    .requiredOption('--root-key <files...>', 'keys that say who may sign; keep them apart, off line')
    .requiredOption('--release-key <files...>', 'keys that sign releases')
    .requiredOption('--online-key <files...>', 'keys that sign each publication')
    .option('--threshold <count>', 'root keys of which so many must sign (default: 1)')
    .addOption(passphraseFile())
    .addOption(json())
    .action(async (folder: string, raw: unknown) =>
      (await import('./office/repository.ts')).init(folder, raw),
    );
}

function addCommand(): Command {
  const command = new Command('add')
    .description('Add a release to a channel or a site, as a draft')
    .argument('<folder>', FOLDER)
    .argument('<file>', 'model bundle, package of the application, or configuration')
    .addOption(channel())
    .addOption(site())
    .option('--release <file>', 'its description, as `provision build` writes it; else the options make it')
    .option('--sbom <file>', 'its bill of materials, which is signed and published with it')
    .addOption(keys('keys of the channel or site'));
  for (const option of describing()) command.addOption(option);
  return command
    .addOption(passphraseFile())
    .addOption(json())
    .action(async (folder: string, file: string, raw: unknown) =>
      (await import('./office/repository.ts')).add(folder, file, raw),
    );
}

function delegateCommand(): Command {
  return new Command('delegate')
    .description('Give a channel or a site to keys: they release there, and nowhere else')
    .argument('<folder>', FOLDER)
    .addOption(channel())
    .addOption(site())
    .requiredOption('--to <files...>', 'keys that release there from now on')
    .option('--threshold <count>', 'keys of which so many must sign (default: 1)')
    .addOption(keys('keys that sign releases, and those of the site where they open'))
    .addOption(passphraseFile())
    .addOption(json())
    .action(async (folder: string, raw: unknown) =>
      (await import('./office/repository.ts')).delegate(folder, raw),
    );
}

function rotateCommand(): Command {
  return new Command('rotate')
    .description('Replace keys, of which one may be lost or stolen: a new root, signed by old and new')
    .argument('<folder>', FOLDER)
    .addOption(
      new Option('--role <role>', 'whose keys').choices(['root', 'targets', 'online']).makeOptionMandatory(),
    )
    .option('--add <files...>', 'keys that it has from now on')
    .option('--remove <ids...>', 'first characters of identifiers of keys that it has no more')
    .option('--threshold <count>', 'keys of which so many must sign (default: as before)')
    .addOption(keys('root keys, and those of the role'))
    .addOption(passphraseFile())
    .addOption(json())
    .action(async (folder: string, raw: unknown) =>
      (await import('./office/repository.ts')).rotate(folder, raw),
    );
}

function serveCommand(): Command {
  return new Command('serve')
    .description('Serve what is published over HTTP, for trying it out, until it is ended')
    .argument('<folder>', FOLDER)
    .option('--host <address>', 'where it listens (default: 127.0.0.1)')
    .option('--port <number>', 'port, 0 for any (default: 8080)')
    .addOption(json())
    .action(async (folder: string, raw: unknown) =>
      (await import('./office/repository.ts')).serve(folder, raw),
    );
}
