import { Command } from 'commander';
import { SOURCES_HELP } from '../../capture/open-source.ts';
import { EXIT } from '../../errors.ts';
import { WANTED_BACKENDS } from '../../runtime/engine/open-engines.ts';
import { COMMAND_NAMES } from '../../telehealth/commands/command.ts';
import { modelOption } from '../shared/options.ts';
import { runOptionsOf } from './options.ts';
import { runSession } from './session.ts';

/** `spikescope run`: the appliance. Captures, reads, records, publishes, and shows what a subscriber receives. */
export function runCommand(): Command {
  return new Command('run')
    .description(
      'Run the appliance: capture, read, record, publish; shows each result as a subscriber receives it',
    )
    .option('--config <file>', 'settings, YAML: these options by name; what is given here goes before')
    .option('--source <source>', `${SOURCES_HELP} (default: phantom)`)
    .option('--camera-size <size>', 'WIDTHxHEIGHT of a camera’s frames (default: 1280x960)')
    .option('--camera-rate <frames>', 'frames per second of a camera (default: 15)')
    .option(
      '--camera-stride <bytes>',
      'bytes from row to row of libcamera (default: the width, padded to 64)',
    )
    .option('--camera-number <number>', 'which of several cameras of a Raspberry Pi, from 0')
    .option('--camera-lens <dioptres>', 'fixed focus of a Raspberry Pi’s camera, for example 10 for 10 cm')
    .option('--camera-exposure <microseconds>', 'fixed exposure of a Raspberry Pi’s camera')
    .option('--camera-rotation <degrees>', '0, or 180 for a camera that is mounted upside down')
    .option(
      '--trigger <what>',
      'auto, or buttons: the header’s, the keyboard’s, commands (default: buttons for cameras)',
    )
    .option('--count <captures>', 'end after so many captures (default: when the source ends, or never)')
    .option(
      '--broker <broker>',
      'embedded (default), mqtt://host[:port], mqtts://host[:port], ws://host[:port][/path] or wss://…',
    )
    .option('--broker-port <port>', 'port of the embedded broker on 127.0.0.1 (default: any that is free)')
    .option('--ca <file>', 'authorities that may have signed the broker’s certificate, PEM')
    .option('--cert <file>', 'this device’s certificate, PEM')
    .option('--key <file>', 'the key of --cert, PEM')
    .option('--client-id <name>', 'name of the connection (default: spikescope-<device>)')
    .option('--topic-prefix <prefix>', 'what all topics begin with (default: spikescope)')
    .option('--alpn <protocol>', 'protocol named in the handshake of mqtts, for example x-amzn-mqtt-ca')
    .option('--retain <yes>', 'true (default), or false for brokers that keep no retained messages')
    .addOption(modelOption())
    .option(
      '--backend <name>',
      `what reads, of ${WANTED_BACKENDS.join(', ')}: auto (default) is the card where it answers, else the processor`,
    )
    .option(
      '--data <folder>',
      'folder of journal and identity (default: $XDG_STATE_HOME/spikescope, for phantoms and replay demonstration/ in it)',
    )
    .option('--device-id <name>', 'name of this device in topics (default: made at the first start)')
    .option('--interval <ms>', 'time from one capture to the next, at least')
    .option('--seed <number>', 'seed of the phantoms (default: 1)')
    .option(
      '--allow-commands <names>',
      `commands taken from the broker, of ${COMMAND_NAMES.join(', ')}, separated by commas`,
    )
    .option(
      '--response-topics <topics>',
      'topics below which answers to commands may be asked for, separated by commas (default: the device’s own alone)',
    )
    .option(
      '--result-schema <version>',
      'newest version of results that receivers read: 2 (default), 1, which says nothing of triage, or 3, with patients',
    )
    .option('--fhir', 'publish each result as a FHIR R4 message too')
    .option('--home-assistant [prefix]', 'announce the device to Home Assistant (prefix: homeassistant)')
    .option('--metrics <port>', 'serve Prometheus metrics on 127.0.0.1 (0: any port that is free)')
    .option('--screen [port]', 'serve the page of the screen on 127.0.0.1 (default port: 8646; false: never)')
    .option('--patient-context', 'let the screen say of whom captures are, by pseudonyms')
    .option('--log <form>', 'text (default), or json: structured, with nothing personal in it')
    .option(
      '--learning <how>',
      'on (default), off: read with the factory head, reset: forget what was learned, then on',
    )
    .option(
      '--extra-labels <codes>',
      'classes that may be added on this device, separated by commas (default: any well-formed code)',
    )
    .option('--json', 'each result on a line of stdout, exactly as received')
    .action(async (_: unknown, command: Command) => {
      const { config } = command.opts<{ readonly config?: string }>();
      const exitCode = await runSession(runOptionsOf(command), {
        withOverlay: (overlay) => runOptionsOf(command, overlay),
        configuration: config ?? null,
      });
      if (exitCode !== EXIT.done) process.exitCode = exitCode;
    });
}
