/** A bundle as the program of an Akida card, by the vendor's compiler on a virtual device. */
import path from 'node:path';
import { type CompilerReport, compileForAkida1 } from '../../conversion/akida1/compile.ts';
import { networkOf } from '../../conversion/akida1/network.ts';
import { programOf } from '../../conversion/akida1/program.ts';
import { compilerPython } from '../../conversion/akida1/python.ts';
import { checkTargets } from '../../conversion/targets/check.ts';
import { printable, UsageError } from '../../errors.ts';
import type { Akida1Device } from '../../model/bundle/akida-programs-section.ts';
import { identityOf, type ModelIdentity } from '../../model/bundle/bundle.ts';
import { readBundle } from '../../model/bundle/read.ts';
import { replaceFile } from '../../model/bundle/replace-file.ts';
import { print, printJson } from '../../ui/terminal/console.ts';
import { requireTarget } from '../convert/target.ts';
import { defaultCache } from '../shared/options.ts';
import { makeOutputFolder } from '../shared/output.ts';

interface AkidaExportOptions {
  readonly model?: string | undefined;
  readonly from?: string | undefined;
  readonly device?: Akida1Device | undefined;
  readonly out: string;
  readonly json: boolean;
}

/** What lies in `program.json` beside the program's two parts. */
interface ExportedProgram extends CompilerReport {
  readonly model: ModelIdentity;
  /** Per class: our potential = the chip's − shift. */
  readonly shifts: readonly number[];
  /** Bytes by file. */
  readonly files: Readonly<Record<string, number>>;
}

/**
 * @throws UsageError `EXPORT_SOURCE`, `EXPORT_DEVICE`
 * @throws RefusedError `TARGET_UNMAPPED`, `AKIDA_REQUANTISATION`
 * @throws SpikescopeError `AKIDA_PYTHON`, `AKIDA_PACKAGES`, `AKIDA_COMPILER`, `OUT_UNWRITABLE`
 */
export async function exportForAkida(options: AkidaExportOptions): Promise<void> {
  const { model, device } = requireBoth(options);
  const bundle = await readBundle(model);
  requireTarget({ targets: checkTargets(bundle.graph) }, device, false);
  const activations = programOf(bundle.graph);
  const layers = networkOf(bundle.graph, activations);
  makeOutputFolder(options.out, '--out');
  const python = await compilerPython(defaultCache());
  const { report, files } = await compileForAkida1(layers, device, python);
  const sizes = Object.fromEntries([...files].map(([name, bytes]) => [name, bytes.length]));
  const program: ExportedProgram = {
    model: identityOf(bundle),
    ...report,
    shifts: [...activations.shifts],
    files: sizes,
  };
  for (const [name, bytes] of files) await replaceFile(path.join(options.out, name), bytes);
  const text = Buffer.from(`${JSON.stringify(program, null, 2)}\n`);
  await replaceFile(path.join(options.out, 'program.json'), text);
  if (options.json) printJson({ folder: options.out, ...program });
  else printProgram(options.out, program);
}

function requireBoth({ model, from, device }: AkidaExportOptions): { model: string; device: Akida1Device } {
  if (model === undefined || from !== undefined) {
    throw new UsageError('EXPORT_SOURCE', 'A card’s program comes from a bundle', {
      field: '--model',
      expected: 'a bundle that was converted with --target akd1000 or akd1500',
      received: from === undefined ? 'none' : `the float model ${from}`,
    });
  }
  if (device !== undefined) return { model, device };
  throw new UsageError('EXPORT_DEVICE', 'A program is for one kind of card', {
    field: '--device',
    expected: 'akd1000 or akd1500',
    received: 'none',
  });
}

function printProgram(folder: string, program: ExportedProgram): void {
  const { model, device, deviceVersion, compiler, passes, processors, files } = program;
  const bytes = files['program-info.bin'] + files['program-data.bin'];
  print(printable(`${folder}  ${model.name} ${model.version} for ${device} ${deviceVersion}`));
  print(`compiler     akida ${printable(compiler)}`);
  print(`program      ${(bytes / 1024).toFixed(1)} KiB`);
  print(`passes       ${passes}`);
  print(`processors   ${processors.used} of ${processors.of}`);
}
