/** Unpacks Debian packages into the tree of the image, and writes dpkg's records of them, without running any of them. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pipeline, tool } from './tools.mjs';

/** @typedef {import('./packages.mjs').DebianPackage} DebianPackage */

/** What no device reads. Copyright files stay, as licences ask. In the form of dpkg's own exclusions. */
export const EXCLUDED = [
  '/usr/share/doc/*',
  '/usr/share/man/*',
  '/usr/share/info/*',
  '/usr/share/locale/*',
  '/usr/share/lintian/*',
  '/usr/share/bug/*',
  '/usr/share/bash-completion/*',
  '/usr/share/doc-base/*',
  '/usr/share/nodejs/corepack/*',
];
const INCLUDED = '/usr/share/doc/*/copyright';
/** Its links, such as /bin to usr/bin, must be there before others write through them. */
const FIRST = 'base-files';

/** @param {string} name absolute path of a file of a package */
export function isKept(name) {
  if (/^\/usr\/share\/doc\/[^/]+\/copyright$/.test(name)) return true;
  return !EXCLUDED.some((pattern) => name.startsWith(pattern.slice(0, -1)));
}

/**
 * @param {object} where
 * @param {import('./namespace.mjs').Namespace} where.namespace
 * @param {string} where.root the tree, seen from the namespace
 * @param {string} where.scratch an empty folder of this user
 * @param {readonly { item: DebianPackage, file: string }[]} archives
 * @param {(done: number, of: number) => void} onProgress
 */
export function unpackSystem({ namespace, root, scratch }, archives, onProgress) {
  const ordered = [...archives].sort(
    (one, other) => Number(other.item.name === FIRST) - Number(one.item.name === FIRST),
  );
  for (const [index, { file }] of ordered.entries()) {
    unpackArchive(namespace, root, file);
    onProgress(index + 1, ordered.length);
  }
  const sums = sumsOf(namespace, root, writeRecords(scratch, archives));
  const status = path.join(scratch, 'var/lib/dpkg/status');
  writeFileSync(
    status,
    readFileSync(status, 'utf8').replace(/^ \/.*$/gm, (line) => ` ${line.trim()} ${sums.get(line.trim())}`),
  );
  layFolder(namespace, scratch, root);
}

/**
 * The files of one package, with the owners that it gives them.
 * @param {import('./namespace.mjs').Namespace} namespace
 * @param {string} root
 * @param {string} file
 */
export function unpackArchive(namespace, root, file) {
  // Links to folders, such as /bin, stay links when a package has the folder.
  const inside = [
    ...namespace.entry,
    'tar',
    '--extract',
    `--directory=${root}`,
    '--preserve-permissions',
    '--numeric-owner',
  ];
  const kept = [...inside, '--keep-directory-symlink', '--no-overwrite-dir'];
  const unwanted = EXCLUDED.map((each) => `--exclude=.${each}`);
  pipeline('file=$1; shift; dpkg-deb --fsys-tarfile "$file" | "$@"', [file, ...kept, ...unwanted]);
  // Of packages that have none, tar says so and fails.
  const copyright = [...kept, '--wildcards', `.${INCLUDED}`];
  pipeline('file=$1; shift; dpkg-deb --fsys-tarfile "$file" | "$@" || test $? = 2', [file, ...copyright]);
}

/**
 * Lays a folder of this user over the tree; all that is in it will belong to root.
 * @param {import('./namespace.mjs').Namespace} namespace
 * @param {string} folder
 * @param {string} root
 */
export function layFolder(namespace, folder, root) {
  pipeline(
    'folder=$1; shift; tar --create --directory="$folder" --owner=0 --group=0 --numeric-owner --sort=name . | "$@"',
    [
      folder,
      ...namespace.entry,
      ...['tar', '--extract', `--directory=${root}`, '--preserve-permissions', '--numeric-owner'],
      ...['--keep-directory-symlink', '--no-overwrite-dir'],
    ],
  );
}

/**
 * MD5 of configuration files as they were unpacked, by which dpkg sees whether somebody changed them.
 * @param {import('./namespace.mjs').Namespace} namespace
 * @param {string} root
 * @param {readonly string[]} names
 */
function sumsOf(namespace, root, names) {
  const said = namespace.run(['sh', '-ec', 'cd "$1" && xargs -d "\\n" md5sum', 'image', root], {
    input: names.map((name) => `.${name}\n`).join(''),
  });
  const lines = said.split('\n').filter(Boolean);
  return new Map(lines.map((line) => [line.slice(35), line.slice(0, 32)]));
}

/**
 * @param {string} scratch
 * @param {readonly { item: DebianPackage, file: string }[]} archives
 * @returns {string[]} configuration files
 */
function writeRecords(scratch, archives) {
  const database = path.join(scratch, 'var/lib/dpkg');
  const info = path.join(database, 'info');
  for (const name of ['info', 'updates', 'triggers', 'alternatives', 'parts'])
    mkdirSync(path.join(database, name), { recursive: true });
  writeFileSync(path.join(info, 'format'), '1\n');
  for (const name of [
    'diversions',
    'statoverride',
    'available',
    'triggers/Lock',
    'triggers/Unincorp',
    'lock',
  ])
    writeFileSync(path.join(database, name), '');
  writeFileSync(path.join(database, 'arch-native'), 'arm64\n');
  const status = archives.map(({ item, file }) => recordPackage(info, item, file));
  writeFileSync(path.join(database, 'status'), status.join('\n'));
  const settings = path.join(scratch, 'etc/dpkg/dpkg.cfg.d');
  mkdirSync(settings, { recursive: true });
  const lines = [...EXCLUDED.map((each) => `path-exclude=${each}`), `path-include=${INCLUDED}`];
  writeFileSync(
    path.join(settings, 'spikescope-image'),
    `# What this image leaves out.\n${lines.join('\n')}\n`,
  );
  return status.flatMap((text) => [...text.matchAll(/^ (\/\S+)$/gm)].map(([, name]) => name));
}

/**
 * @returns {string} its paragraph of dpkg's status.
 * @param {string} info
 * @param {DebianPackage} item
 * @param {string} file
 */
function recordPackage(info, item, file) {
  const control = path.join(info, '.control');
  tool('dpkg-deb', ['--control', file, control]);
  const fields = readFileSync(path.join(control, 'control'), 'utf8').trimEnd();
  const isShared = /^Multi-Arch: same$/m.test(fields);
  const prefix = isShared ? `${item.name}:${item.architecture}` : item.name;
  const listed = tool('bash', [
    '-o',
    'pipefail',
    '-ec',
    'dpkg-deb --fsys-tarfile "$1" | tar --list --quoting-style=literal',
    'image',
    file,
  ]);
  writeFileSync(path.join(info, `${prefix}.list`), listOf(listed));
  const conffiles = conffilesOf(control);
  for (const name of readdirSync(control)) {
    if (name === 'control') continue;
    const to = path.join(info, `${prefix}.${name}`);
    if (name === 'md5sums') writeFileSync(to, keptSums(readFileSync(path.join(control, name), 'utf8')));
    else renameSync(path.join(control, name), to);
  }
  tool('rm', ['-r', control]);
  return `${fields.replace(/\n/, '\nStatus: install ok installed\n')}${conffiles}\n`;
}

/** @param {string} listed what tar lists */
function listOf(listed) {
  const names = listed
    .split('\n')
    .filter(Boolean)
    .map((name) => name.replace(/^\.\//, '/').replace(/(.)\/$/, '$1'));
  return `${names
    .map((name) => (name === '/' ? '/.' : name))
    .filter(isKept)
    .join('\n')}\n`;
}

/** @param {string} sums */
function keptSums(sums) {
  return sums
    .split('\n')
    .filter((line) => line === '' || isKept(`/${line.slice(34)}`))
    .join('\n');
}

/** @param {string} control folder of a package's control files @returns {string} the field, without sums */
function conffilesOf(control) {
  const named = path.join(control, 'conffiles');
  if (!existsSync(named)) return '';
  const names = readFileSync(named, 'utf8')
    .split('\n')
    .filter((name) => name.startsWith('/'));
  return names.length === 0 ? '' : `\nConffiles:\n${names.map((name) => ` ${name}`).join('\n')}`;
}
