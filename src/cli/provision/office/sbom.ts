import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { UsageError } from '../../../errors.ts';
import { readApplication } from '../../../release/application/application.ts';
import { makeSbom, type Sbom, sbomText } from '../../../release/sbom/sbom.ts';
import { print } from '../../../ui/terminal/console.ts';
import { parseOptions } from '../../shared/options.ts';
import { requireWritable } from '../../shared/output.ts';

const optionsSchema = z.object({ out: z.string().optional(), json: z.boolean().default(false) });

export async function sbom(folder: string, raw: unknown): Promise<void> {
  const { out, json } = parseOptions(optionsSchema, raw);
  if (out !== undefined) requireWritable(out, '--out');
  const made = await makeSbom(await readApplication(folder), await releaseTime(folder));
  if (out !== undefined) await writeFile(out, sbomText(made));
  if (json) print(sbomText(made).trimEnd());
  else for (const line of out === undefined ? summary(made) : [out]) print(line);
}

/** `SOURCE_DATE_EPOCH`, else when the last change was made. @throws UsageError `SBOM_TIME` */
export async function releaseTime(folder: string): Promise<Date> {
  const { SOURCE_DATE_EPOCH: given } = process.env;
  const seconds =
    given ??
    (await promisify(execFile)('git', ['-C', folder, 'log', '-1', '--format=%ct']).then(
      ({ stdout }) => stdout.trim(),
      () => '',
    ));
  if (/^\d{1,11}$/.test(seconds)) return new Date(Number(seconds) * 1000);
  throw new UsageError('SBOM_TIME', 'The time of the release is not known', {
    field: 'SOURCE_DATE_EPOCH',
    expected: 'seconds since 1970, or a clone with its history',
    received: given ?? 'none',
    remedy: 'SOURCE_DATE_EPOCH=$(date +%s) spikescope provision sbom …',
  });
}

function summary({ metadata, components }: Sbom): string[] {
  const licences = new Map<string, number>();
  for (const { licenses } of components) {
    for (const each of licenses) {
      const name = 'expression' in each ? each.expression : each.license.id;
      licences.set(name, (licences.get(name) ?? 0) + 1);
    }
  }
  const counts = [...licences].sort(([, one], [, other]) => other - one);
  return [
    `${metadata.component.name} ${metadata.component.version}: ${components.length} parts`,
    ...counts.map(([name, count]) => `${String(count).padStart(5)}  ${name}`),
  ];
}
