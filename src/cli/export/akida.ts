/** A bundle as the programs of an Akida card, by the vendor's compiler on a virtual device. */
import { type CompiledPrograms, compilePrograms, withPrograms } from '../../conversion/akida1/programs.ts';
import { compilerPython } from '../../conversion/akida1/python.ts';
import { checkTargets } from '../../conversion/targets/check.ts';
import { printable, UsageError } from '../../errors.ts';
import type { Akida1Device } from '../../model/bundle/akida-programs-section.ts';
import { identityOf, type ModelBundle } from '../../model/bundle/bundle.ts';
import { readBundle } from '../../model/bundle/read.ts';
import { print, printJson } from '../../ui/terminal/console.ts';
import { requireTarget } from '../convert/target.ts';
import { programFigures, programLines } from '../shared/card-programs.ts';
import { defaultCache } from '../shared/options.ts';
import { makeOutputFolder, requireWritable } from '../shared/output.ts';
import { writeModel } from '../shared/write-model.ts';
import { printFolder, writeFolder } from './akida-folder.ts';

interface AkidaExportOptions {
  readonly model?: string | undefined;
  readonly from?: string | undefined;
  readonly device?: Akida1Device | undefined;
  /** A folder, or the bundle to write. */
  readonly out: string;
  readonly intoBundle: boolean;
  readonly json: boolean;
}

/**
 * @throws UsageError `EXPORT_SOURCE`, `EXPORT_DEVICE`
 * @throws RefusedError `TARGET_UNMAPPED`, `AKIDA_REQUANTISATION`
 * @throws SpikescopeError `AKIDA_PYTHON`, `AKIDA_PACKAGES`, `AKIDA_COMPILER`, `OUT_UNWRITABLE`
 */
export async function exportForAkida(options: AkidaExportOptions): Promise<void> {
  const { model, device } = requireBoth(options);
  const { out, intoBundle, json } = options;
  const bundle = await readBundle(model);
  requireTarget({ targets: checkTargets(bundle.graph) }, device, false);
  if (intoBundle) requireWritable(out, '--out');
  const compiled = await compilePrograms(bundle.graph, device, () => {
    if (!intoBundle) makeOutputFolder(out, '--out');
    return compilerPython(defaultCache());
  });
  if (intoBundle) return writeInto(out, bundle, device, { compiled, json });
  const written = await writeFolder(out, bundle, compiled);
  if (json) printJson({ folder: out, ...written });
  else printFolder(out, written);
}

async function writeInto(
  out: string,
  { digest: _, ...contents }: ModelBundle,
  device: Akida1Device,
  { compiled, json }: { readonly compiled: CompiledPrograms; readonly json: boolean },
): Promise<void> {
  const written = await writeModel(out, withPrograms(contents, device, compiled));
  const model = identityOf(written);
  const programs = programFigures(written.akidaPrograms);
  if (json) return printJson({ bundle: out, model, programs });
  print(printable(`${out}  ${model.name} ${model.version}`));
  print(`digest  ${model.digest}`);
  for (const line of programLines(programs)) print(line);
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
