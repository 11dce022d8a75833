/** Programs of cards as commands show them: what they are, without their bytes. */
import { printable } from '../../errors.ts';
import type { AkidaProgram, AkidaProgramsSection } from '../../model/bundle/akida-programs-section.ts';
import { counted } from '../../ui/terminal/layout.ts';
import { tableLines } from '../../ui/terminal/table.ts';

export interface ProgramFigures extends Omit<AkidaProgram, 'info' | 'data'> {
  /** Of the program's two parts. */
  readonly bytes: { readonly info: number; readonly data: number };
}

export function programFigures(section: AkidaProgramsSection | undefined): ProgramFigures[] {
  return (section?.programs ?? []).map(({ info, data, ...figures }) => ({
    ...figures,
    bytes: { info: info.length, data: data.length },
  }));
}

/** A row for each program. */
export function programLines(programs: readonly ProgramFigures[]): string[] {
  const rows = programs.map((program) => {
    const { device, kind, deviceVersion, compiler, mode, passes, processors, bytes } = program;
    return [
      `${device} ${kind}`,
      counted(passes, 'pass', 'passes'),
      `${processors.used} of ${processors.of} processors`,
      `${((bytes.info + bytes.data) / 1024).toFixed(1)} KiB`,
      printable(`akida ${compiler}, ${mode}, for ${deviceVersion}`),
    ];
  });
  return tableLines(rows, [0, 1, 4]);
}
