import { printable, RefusedError } from '../../errors.ts';
import { readBundle } from '../../model/bundle/read.ts';

/**
 * What to say of a bundle that is about to be replaced by one of another graph: that its programs of cards go with it. Null
 * where it has none, or is no bundle.
 */
export async function lostProgramsOf(file: string): Promise<string | null> {
  try {
    const { akidaPrograms } = await readBundle(file);
    if (akidaPrograms === undefined) return null;
    const devices = [...new Set(akidaPrograms.programs.map(({ device }) => device))];
    return printable(
      `${file} had programs for ${devices.join(' and ')}, which are of its old graph; compile new ones with \`spikescope export --format akida --into-bundle\``,
    );
  } catch (error) {
    if (error instanceof RefusedError) return null;
    throw error;
  }
}
