/**
 * Configures the unpacked packages on this machine: scripts that respect DPKG_ROOT run here, in the namespace; what others
 * would do is done by the builder. A package whose script is in neither list is refused: nobody knows what it needs.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { writeAccounts } from './accounts.mjs';
import { layAuthentication } from './authentication.mjs';
import { layCertificates } from './certificates.mjs';
import { ImageFailure } from './failure.mjs';
import { layFolder } from './unpack.mjs';

/** Scripts that run here, in this order. */
const RUN = [
  'base-files',
  'debianutils',
  'dpkg',
  'bash',
  'mawk',
  'tar',
  'util-linux',
  'libpam-modules',
  'nodejs',
];
const RUN_WHERE_THERE = ['wireless-regdb'];

/** Scripts that do not run, and why not. */
export const NOT_RUN = /** @type {Readonly<Record<string, string>>} */ ({
  'base-passwd': 'accounts.mjs',
  passwd: 'accounts.mjs',
  'libpam-runtime': 'authentication.mjs',
  'libpam-systemd': 'authentication.mjs',
  'ca-certificates': 'certificates.mjs',
  systemd: 'accounts.mjs; its units are enabled by files/',
  'systemd-resolved': 'accounts.mjs; enabled by files/',
  'systemd-timesyncd': 'accounts.mjs; enabled by files/',
  'dbus-system-bus-common': 'accounts.mjs',
  'dbus-daemon': 'below',
  udev: 'accounts.mjs; its hardware database is not used',
  tzdata: 'below',
  wpasupplicant: 'accounts.mjs; files/ starts its own',
  kmod: 'an empty /etc/modules',
  apt: 'accounts.mjs; no timers, because the root is read-only',
  dbus: 'starts the service',
  'libc-bin': 'below',
  libc6: 'for upgrades',
  libpam0g: 'for upgrades',
  'libpam-modules-bin': 'for upgrades',
  libselinux1: 'for upgrades',
  'libgssapi-krb5-2': 'for upgrades',
  dash: 'for upgrades',
  gzip: 'for upgrades',
  'debian-archive-keyring': 'for upgrades',
  debconf: 'for upgrades',
  'init-system-helpers': 'for upgrades',
  'login.defs': 'for upgrades',
  netbase: 'for upgrades',
  'node-undici': 'for upgrades',
  'readline-common': 'for the documents of info',
  openssl: 'its link is in the package',
  'systemd-sysv': 'for upgrades',
  'systemd-zram-generator': 'for upgrades',
  e2fsprogs: 'timers for volumes that are none here',
  iproute2: 'capabilities for users that are none here',
});

/**
 * @param {readonly string[]} scripted names of packages that have a script
 * @throws {ImageFailure} `BUILD_PACKAGE_UNKNOWN`
 */
export function checkScripts(scripted) {
  const unknown = scripted.filter(
    (name) => !(name in NOT_RUN) && !RUN.includes(name) && !RUN_WHERE_THERE.includes(name),
  );
  if (unknown.length === 0) return;
  throw new ImageFailure(
    'BUILD_PACKAGE_UNKNOWN',
    'A package wants to be configured in a way that is not known here',
    {
      place: unknown.join(', '),
      expected: 'packages that scripts/flash/image/configure.mjs lists',
      remedy: 'read its postinst, and add it to one of the lists there',
    },
  );
}

/** What those scripts would do to this machine, or need of it, is not theirs to do. */
const SHIMS = [
  'systemd-sysusers',
  'systemd-tmpfiles',
  'ldconfig',
  'deb-systemd-invoke',
  'adduser',
  'addgroup',
  'setcap',
];

/**
 * @typedef {object} Configuring
 * @property {import('./namespace.mjs').Namespace} namespace
 * @property {string} root
 * @property {string} scratch an empty folder of this user, which the namespace can read
 */

/** @param {Configuring} where @param {readonly string[]} scripted names of packages that have a script */
export function configureSystem(where, scripted) {
  checkScripts(scripted);
  const { namespace, root, scratch } = where;
  namespace.run(['sh', '-ec', BASE_ACCOUNTS, 'image', root]);
  const shims = path.join(scratch, 'shims');
  mkdirSync(shims, { recursive: true });
  for (const name of SHIMS) writeFileSync(path.join(shims, name), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  for (const name of [...RUN, ...RUN_WHERE_THERE].filter((each) => scripted.includes(each)))
    runScript(where, name, shims);
  const layer = path.join(scratch, 'layer');
  mkdirSync(path.join(layer, 'etc'), { recursive: true });
  layAuthentication(namespace, root, layer);
  layCertificates(namespace, root, layer);
  writeFileSync(path.join(layer, 'etc/modules'), '');
  layFolder(namespace, layer, root);
  namespace.run(['sh', '-ec', FINISH, 'image', root]);
  // Of no time yet: the same base serves images of different times.
  writeAccounts(where, 0);
  if (scripted.includes('dbus-daemon')) namespace.run(['sh', '-ec', START_HELPER, 'image', root]);
}

/** The program by which the bus starts services is for the bus alone. */
const START_HELPER = `
helper=/usr/lib/dbus-1.0/dbus-daemon-launch-helper
chown "0:$(sed -n 's/^messagebus:[^:]*:\\([0-9]*\\):.*/\\1/p' "$1/etc/group")" "$1$helper"
chmod 4754 "$1$helper"
echo "root messagebus 4754 $helper" > "$1/var/lib/dpkg/statoverride"
`;

/** The table of users that every Debian begins with. */
const BASE_ACCOUNTS = `
cp "$1/usr/share/base-passwd/passwd.master" "$1/etc/passwd"
cp "$1/usr/share/base-passwd/group.master" "$1/etc/group"
touch "$1/etc/subuid" "$1/etc/subgid"
chmod 644 "$1/etc/passwd" "$1/etc/group" "$1/etc/subuid" "$1/etc/subgid"
mkdir -p "$1/var/log" "$1/var/lib/systemd"
`;

/** What systemd would lay at a start, if the root could be written. */
const FINISH = `
test -e "$1/etc/nsswitch.conf" || cp "$1/usr/share/libc-bin/nsswitch.conf" "$1/etc/nsswitch.conf"
ln -sfn /usr/share/zoneinfo/Etc/UTC "$1/etc/localtime"
rm -rf "$1"/var/cache/* "$1"/var/lib/apt/lists/* "$1"/run/* "$1"/tmp/*
mkdir -p "$1/var/lib/dbus" "$1/etc/credstore" "$1/etc/credstore.encrypted"
mkdir -m 700 "$1/var/lib/private"
chmod 700 "$1/etc/credstore" "$1/etc/credstore.encrypted"
ln -sfn /etc/machine-id "$1/var/lib/dbus/machine-id"
ln -sfn ../proc/self/mounts "$1/etc/mtab"
ln -sfn ../locale.conf "$1/etc/default/locale"
ln -sfn default/keyboard "$1/etc/vconsole.conf"
rm -f "$1/etc/.pwd.lock" "$1/var/log/alternatives.log" "$1/var/log/dpkg.log"
`;

/** @param {Configuring} where @param {string} name @param {string} shims */
function runScript({ namespace, root }, name, shims) {
  const database = `${root}/var/lib/dpkg`;
  namespace.run(
    [
      'sh',
      '-ec',
      'for each in "$1/$2.postinst" "$1/$2:arm64.postinst"; do test ! -e "$each" || exec "$each" configure ""; done; exit 1',
      'image',
      `${database}/info`,
      name,
    ],
    {
      code: 'BUILD_CONFIGURE',
      cwd: '/',
      env: {
        PATH: `${shims}:/usr/sbin:/usr/bin:/sbin:/bin`,
        DPKG_ROOT: root,
        DPKG_ADMINDIR: database,
        DPKG_MAINTSCRIPT_PACKAGE: name,
        DPKG_MAINTSCRIPT_NAME: 'postinst',
        DPKG_MAINTSCRIPT_ARCH: 'arm64',
        DEBIAN_FRONTEND: 'noninteractive',
        DEBIAN_HAS_FRONTEND: '1',
        HOME: '/nonexistent',
      },
    },
  );
}
