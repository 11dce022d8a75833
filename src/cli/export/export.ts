import { Command, Option } from 'commander';
import { z } from 'zod';
import { composeAndFold } from '../../conversion/compose/choose.ts';
import { exportFloat } from '../../conversion/export/float.ts';
import { exportQdq } from '../../conversion/export/qdq.ts';
import { EXPORT_OPSET } from '../../conversion/export/writer.ts';
import { importSource } from '../../conversion/float-source.ts';
import { reasonOf, SpikescopeError, UsageError } from '../../errors.ts';
import { AKIDA1_DEVICES } from '../../model/bundle/akida-programs-section.ts';
import { readBundle } from '../../model/bundle/read.ts';
import { replaceFile } from '../../model/bundle/replace-file.ts';
import { DEFAULT_MODEL } from '../../runtime/engine/shipped-models.ts';
import { print, printJson } from '../../ui/terminal/console.ts';
import { modelSchema, parseOptions } from '../shared/options.ts';
import { requireWritable } from '../shared/output.ts';
import { readSource } from '../shared/read-source.ts';
import { exportForAkida } from './akida.ts';

const FORMATS = ['onnx-qdq', 'onnx-float', 'akida'] as const;

const optionsSchema = z.object({
  format: z.enum(FORMATS),
  model: modelSchema.optional(),
  from: z.string().optional(),
  averages: z.boolean(),
  device: z.enum(AKIDA1_DEVICES).optional(),
  intoBundle: z.boolean().default(false),
  out: z.string(),
  json: z.boolean().default(false),
});
type Options = z.infer<typeof optionsSchema>;

const AFTER_HELP = `
onnx-qdq    of a bundle (--model): its integer graph, every operator between DequantizeLinear and QuantizeLinear with the
            bundle's own scales and zero points. Other runtimes answer within a few steps, not bit for bit: they rescale
            in float32 and round ties to even.
onnx-float  of a checkpoint or an ONNX model (--from), batch norms folded. A bundle holds no float graph.

akida       of a bundle (--model) that was converted with --target akd1000 or akd1500: a folder with the vendor's model, the
            two parts of a card's program and program.json, of the whole network and (in backbone/) up to the embedding.
            With --into-bundle the bundle with both programs in it: what a device with a card runs. --out may name the
            bundle itself; programs for the other card stay in it. The vendor's compiler is Python: the first run makes an
            environment for it in the cache folder.

Of the ONNX formats either takes one input "image", float32 [n, 3, side, side], RGB in 0…1, and gives "logits", [n, classes].

Exit codes: 0 written, 1 failed, 2 wrong usage, 3 refused (a model that cannot be read or has no such form).`;

/** `spikescope export`: a bundle or a float network as ONNX, for others to run; or a bundle as a card's program. */
export function exportCommand(): Command {
  return new Command('export')
    .description(
      'Write a bundle as QDQ ONNX or as the program of an Akida card, or a checkpoint as float ONNX, opset 17',
    )
    .addOption(new Option('--format <format>', 'what to write').choices(FORMATS).makeOptionMandatory())
    .addOption(
      new Option(
        '--model <bundle>',
        'for onnx-qdq and akida: model bundle (default for onnx-qdq: the one that ships in models/)',
      ).conflicts('from'),
    )
    .option('--from <model>', 'for onnx-float: checkpoint of a training, or ONNX model')
    .option('--no-averages', 'the checkpoint’s last weights, not their moving averages')
    .addOption(new Option('--device <device>', 'for akida: the card').choices(AKIDA1_DEVICES))
    .option('--into-bundle', 'for akida: write the bundle anew with the programs in it')
    .requiredOption('--out <file>', 'file to write; for akida a folder, or the bundle with --into-bundle')
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', AFTER_HELP)
    .action((rawOptions: unknown) => run(parseOptions(optionsSchema, rawOptions)));
}

async function run(options: Options): Promise<void> {
  if (options.format === 'akida') return exportForAkida(options);
  refuseCardOptions(options);
  requireWritable(options.out, '--out');
  const source = options.format === 'onnx-qdq' ? bundleOf(options) : floatModelOf(options);
  const bytes = options.format === 'onnx-qdq' ? await qdqOf(source) : await floatOf(source, options.averages);
  await write(options.out, bytes);
  const { format, out } = options;
  if (options.json) printJson({ file: out, format, opset: EXPORT_OPSET, source, bytes: bytes.length });
  else
    print(
      `${out}  ${format}, opset ${EXPORT_OPSET}, ${(bytes.length / 1024).toFixed(1)} KiB, from ${source}`,
    );
}

/** @throws UsageError `OPTION`, `EXPORT_DEVICE` */
function refuseCardOptions({ device, intoBundle, format }: Options): void {
  if (intoBundle) {
    throw new UsageError('OPTION', 'A bundle takes programs of cards only', {
      field: '--into-bundle',
      received: `--format ${format}`,
      expected: '--format akida',
    });
  }
  if (device === undefined) return;
  throw new UsageError('EXPORT_DEVICE', 'ONNX is for no device', {
    field: '--device',
    received: `${device} with ${format}`,
    expected: '--format akida',
  });
}

function bundleOf({ model = DEFAULT_MODEL, from }: Options): string {
  if (from === undefined) return model;
  throw new UsageError('EXPORT_SOURCE', 'Scales and zero points come from a bundle', {
    field: '--from',
    expected: '--model',
    remedy: 'convert the float model first, then export the bundle',
  });
}

function floatModelOf({ model, from }: Options): string {
  if (from !== undefined) return from;
  throw new UsageError('EXPORT_SOURCE', 'A float graph comes from a checkpoint or an ONNX model', {
    field: '--from',
    expected: 'a checkpoint or an ONNX model',
    ...(model !== undefined && { received: `the bundle ${model}, which holds integers only` }),
  });
}

async function qdqOf(file: string): Promise<Uint8Array> {
  return exportQdq((await readBundle(file)).graph);
}

async function floatOf(file: string, averages: boolean): Promise<Uint8Array> {
  const { graph } = await importSource(await readSource(file), file, averages ? 'averages' : 'last');
  return exportFloat(composeAndFold(graph, 'keep'));
}

async function write(file: string, bytes: Uint8Array): Promise<void> {
  try {
    await replaceFile(file, bytes);
  } catch (cause) {
    throw new SpikescopeError('OUT_UNWRITABLE', 'The file cannot be written', {
      file,
      received: reasonOf(cause),
      remedy: 'give a file in an existing folder that you may write to with --out',
      cause,
    });
  }
}
