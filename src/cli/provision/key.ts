import { Command } from 'commander';
import { json, passphraseFile } from './options.ts';

export function keyCommand(): Command {
  return new Command('key')
    .description('Make keys that sign releases, and show their public half')
    .addCommand(
      new Command('new')
        .description('Make an ed25519 key in each file, sealed with a passphrase (scrypt, AES-256-GCM)')
        .argument('<files...>', 'new files; none is overwritten')
        .addOption(passphraseFile())
        .addOption(json())
        .action(async (files: string[], raw: unknown) =>
          (await import('./office/keys.ts')).makeKeys(files, raw),
        ),
    )
    .addCommand(
      new Command('show')
        .description('Show the public half of keys, for which no passphrase is needed')
        .argument('<files...>', 'key files, or keys in tokens (pkcs11:token=…;object=…?module-path=…)')
        .addOption(json())
        .action(async (files: string[], raw: unknown) =>
          (await import('./office/keys.ts')).showKeys(files, raw),
        ),
    );
}
