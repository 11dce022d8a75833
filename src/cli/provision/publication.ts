import { Command } from 'commander';
import { describing, json, keys, passphraseFile } from './options.ts';

export function buildCommand(): Command {
  const command = new Command('build')
    .description('Write the description of a release beside its file, to be looked at before it is signed')
    .argument('<file>', 'model bundle or configuration; of the application the folder of an installation')
    .option('--archive <file>', 'where the archive of an application goes (default: NAME-VERSION.tar.br)')
    .option('--out <file>', 'where the description goes (default: the file’s name with .release.json)');
  for (const option of describing()) command.addOption(option);
  return command
    .addOption(json())
    .action(async (file: string, raw: unknown) => (await import('./office/publication.ts')).build(file, raw));
}

export function sbomCommand(): Command {
  return new Command('sbom')
    .description('List what the application is made of, with licences (CycloneDX 1.6); refuses unknown ones')
    .argument('[folder]', 'a clone that was built, or the folder of an installation', '.')
    .option('--out <file>', 'where it goes')
    .addOption(json())
    .action(async (folder: string, raw: unknown) => (await import('./office/sbom.ts')).sbom(folder, raw));
}

export function signCommand(): Command {
  return new Command('sign')
    .description('Sign the drafts of a repository with further keys')
    .argument('<folder>', 'folder of the repository')
    .addOption(keys('keys that sign').makeOptionMandatory())
    .addOption(passphraseFile())
    .addOption(json())
    .action(async (folder: string, raw: unknown) =>
      (await import('./office/publication.ts')).sign(folder, raw),
    );
}

export function publishCommand(): Command {
  return new Command('publish')
    .description('Publish all drafts, or renew what is published; a copy goes onto a stick')
    .argument('<folder>', 'folder of the repository')
    .addOption(keys('online keys').makeOptionMandatory())
    .option('--to <folder>', 'stick or folder of a web server that gets a copy')
    .option('--valid-days <days>', 'days for which it is good without being published again (default: 100)')
    .addOption(passphraseFile())
    .addOption(json())
    .action(async (folder: string, raw: unknown) =>
      (await import('./office/publication.ts')).publish(folder, raw),
    );
}

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('Show roles, keys, signatures and releases of a repository; it says nothing of trust')
    .argument('<folder>', 'folder of the repository')
    .addOption(json())
    .action(async (folder: string, raw: unknown) =>
      (await import('./office/publication.ts')).inspect(folder, raw),
    );
}
