import { Command } from 'commander';
import { json } from './options.ts';

export function fleetStatusCommand(): Command {
  return new Command('fleet-status')
    .description(
      'Show what the devices of a broker run, which of them fell back, and of which nothing is heard',
    )
    .requiredOption('--broker <broker>', 'mqtt://host[:port], mqtts://…, ws://… or wss://…')
    .option('--topic-prefix <prefix>', 'what all topics begin with (default: spikescope)')
    .option('--wait <seconds>', 'how long messages are taken (default: 5)')
    .option('--ca <file>', 'authorities that may have signed the broker’s certificate, PEM')
    .option('--cert <file>', 'certificate of whoever asks, PEM')
    .option('--key <file>', 'the key of --cert, PEM')
    .option('--client-id <name>', 'name of the connection (default: spikescope-fleet- and a random one)')
    .option('--alpn <protocol>', 'protocol named in the handshake of mqtts')
    .addOption(json())
    .action(async (raw: unknown) => (await import('./office/fleet-status.ts')).showFleet(raw));
}
