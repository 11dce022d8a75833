/** The headers that addons are compiled against. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Prefix of the headers that came with the Node that runs, so that nobody downloads them; null where none of its version
 * did, or where npm's setting `nodedir` names others.
 * @returns {string | null}
 */
export function ownHeaders() {
  const prefix = path.dirname(path.dirname(process.execPath));
  const header = path.join(prefix, 'include/node/node_version.h');
  if (process.env.npm_config_nodedir !== undefined || !existsSync(header)) return null;
  const text = readFileSync(header, 'utf8');
  const version = ['MAJOR', 'MINOR', 'PATCH'].map((part) =>
    new RegExp(`#define NODE_${part}_VERSION (\\d+)`).exec(text)?.at(1),
  );
  return version.join('.') === process.versions.node ? prefix : null;
}
