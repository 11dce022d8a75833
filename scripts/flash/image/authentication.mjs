/** The common files of PAM, as pam-auth-update writes them for modules that are on by default. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const KINDS = ['auth', 'account', 'password', 'session', 'session-noninteractive'];

/**
 * @typedef {object} Profile
 * @property {number} priority
 * @property {Record<string, string>} fields values by field name; of several lines, without their indent
 */

/** A file of /usr/share/pam-configs. @param {string} text @returns {Profile} */
export function readProfile(text) {
  /** @type {Record<string, string>} */
  const fields = {};
  let last = '';
  for (const line of text.split('\n')) {
    const [, name, value] = /^([\w-]+):\s*(.*)$/.exec(line) ?? [];
    if (name !== undefined) {
      last = name;
      fields[name] = value ?? '';
    } else if (/^\s+\S/.test(line)) fields[last] = `${fields[last] ? `${fields[last]}\n` : ''}${line.trim()}`;
  }
  return { priority: Number(fields.Priority ?? 0), fields };
}

/**
 * The lines of one block of one file.
 * @param {readonly Profile[]} profiles those that are on, by falling priority
 * @param {string} kind such as `auth`
 * @param {'Primary' | 'Additional'} block
 */
export function linesOf(profiles, kind, block) {
  const field = kind.startsWith('session') ? 'Session' : `${kind[0].toUpperCase()}${kind.slice(1)}`;
  const chosen = profiles.filter(
    ({ fields }) =>
      fields[field] !== undefined &&
      (fields[`${field}-Type`] ?? 'Primary') === block &&
      !(kind === 'session-noninteractive' && fields['Session-Interactive-Only'] === 'yes'),
  );
  const values = chosen.map(
    ({ fields }, index) => (index === 0 && fields[`${field}-Initial`]) || fields[field],
  );
  const lines = values.flatMap((value) => value.split('\n'));
  const type = kind.startsWith('session') ? 'session' : kind;
  return lines.map((line, index) => `${type}\t${line.replace(/\bend\b/, String(lines.length - index))}`);
}

/**
 * @param {import('./namespace.mjs').Namespace} namespace
 * @param {string} root
 * @param {string} layer
 */
export function layAuthentication(namespace, root, layer) {
  const texts = namespace
    .run([
      'sh',
      '-ec',
      'for each in "$1"/usr/share/pam-configs/*; do cat "$each"; printf "\\0"; done',
      'image',
      root,
    ])
    .split('\0');
  const profiles = texts
    .map(readProfile)
    .filter(({ fields }) => fields.Default === 'yes')
    .sort((one, other) => other.priority - one.priority);
  mkdirSync(path.join(layer, 'etc/pam.d'), { recursive: true });
  for (const kind of KINDS) {
    const template = namespace.run(['cat', `${root}/usr/share/pam/common-${kind}`]);
    const text = template.replace(/^\$\w+_(primary|additional)$/gm, (_, block) =>
      linesOf(profiles, kind, block === 'primary' ? 'Primary' : 'Additional').join('\n'),
    );
    writeFileSync(path.join(layer, `etc/pam.d/common-${kind}`), text, { mode: 0o644 });
  }
}
