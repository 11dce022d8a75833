/** Programs of a card as files: the whole network's in the folder itself, the backbone's in a folder within. */
import path from 'node:path';
import { type CompilerReport, PROGRAM_FILES } from '../../conversion/akida1/compile.ts';
import type { CompiledKind, CompiledPrograms } from '../../conversion/akida1/programs.ts';
import { printable } from '../../errors.ts';
import { makeFolder } from '../../make-folder.ts';
import type { ProgramKind } from '../../model/bundle/akida-programs-section.ts';
import { identityOf, type ModelBundle, type ModelIdentity } from '../../model/bundle/bundle.ts';
import { replaceFile } from '../../model/bundle/replace-file.ts';
import { print } from '../../ui/terminal/console.ts';
import { programLines } from '../shared/card-programs.ts';

/** Below the folder, where each kind lies. */
const FOLDERS: Readonly<Record<ProgramKind, string>> = { whole: '.', backbone: 'backbone' };

/** What lies in `program.json` beside a program's two parts. */
interface ExportedProgram extends CompilerReport {
  readonly kind: ProgramKind;
  readonly model: ModelIdentity;
  /** Per class: our potential = the chip's − shift. Of the whole network only: a backbone gives the embedding as it is. */
  readonly shifts?: readonly number[];
  /** Bytes by file. */
  readonly files: Readonly<Record<string, number>>;
}

/** What the folder holds. */
interface ExportedFolder extends ExportedProgram {
  readonly backbone: ExportedProgram;
}

export async function writeFolder(
  folder: string,
  bundle: ModelBundle,
  { kinds, activations }: CompiledPrograms,
): Promise<ExportedFolder> {
  const write = async (kind: ProgramKind) => {
    const compiled = kinds.find((candidate) => candidate.kind === kind);
    if (compiled === undefined) throw new RangeError(`No ${kind} was compiled`);
    const shifts = kind === 'whole' ? [...activations.shifts] : undefined;
    return writeProgram(path.join(folder, FOLDERS[kind]), bundle, compiled, shifts);
  };
  return { ...(await write('whole')), backbone: await write('backbone') };
}

async function writeProgram(
  folder: string,
  bundle: ModelBundle,
  { kind, report, files }: CompiledKind,
  shifts: readonly number[] | undefined,
): Promise<ExportedProgram> {
  makeFolder(folder);
  const sizes = Object.fromEntries([...files].map(([name, bytes]) => [name, bytes.length]));
  const program: ExportedProgram = {
    ...{ kind, model: identityOf(bundle), ...report },
    ...(shifts && { shifts }),
    files: sizes,
  };
  for (const [name, bytes] of files) await replaceFile(path.join(folder, name), bytes);
  const text = Buffer.from(`${JSON.stringify(program, null, 2)}\n`);
  await replaceFile(path.join(folder, 'program.json'), text);
  return program;
}

export function printFolder(folder: string, { backbone, ...whole }: ExportedFolder): void {
  print(printable(`${folder}  ${whole.model.name} ${whole.model.version}`));
  const figures = [whole, backbone].map((program) => ({
    ...program,
    bytes: { info: program.files[PROGRAM_FILES.info], data: program.files[PROGRAM_FILES.data] },
  }));
  for (const line of programLines(figures)) print(line);
}
