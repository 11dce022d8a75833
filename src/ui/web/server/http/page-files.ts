import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

/** Packed already. */
const PACKED: readonly string[] = ['.png', '.woff2'];

/** Where `npm run build` puts the page: beside this file as it is compiled, also when this runs as it is written. */
const FOLDER = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? '../../../../../dist/ui/web/page' : '../../page',
    import.meta.url,
  ),
);

export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
  readonly isPacked: boolean;
  /** Its name changes with its content, so that browsers may keep it. */
  readonly isImmutable: boolean;
}

/** The built page, by path; read once, so that no request names a file. Empty where it is not built. */
export function pageFiles(folder: string = FOLDER): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>();
  for (const name of listed(folder)) {
    const extension = path.extname(name);
    const type = TYPES[extension];
    if (type === undefined) continue;
    const content = readFileSync(path.join(folder, name));
    const isPacked = !PACKED.includes(extension);
    const file = {
      ...{ type, isPacked, body: isPacked ? gzipSync(content, { level: 9 }) : content },
      isImmutable: /[.-][A-Za-z0-9_-]{8,}\.\w+$/.test(name),
    };
    files.set(name === 'index.html' ? '/' : `/${name.split(path.sep).join('/')}`, file);
  }
  return files;
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
}
