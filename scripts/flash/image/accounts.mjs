/** Users and groups of the image, from what its packages and its own files declare (sysusers.d). Nobody has a password. */

/** Groups of Debian packages that make them in scripts. */
const OTHER_GROUPS = 'g netdev - -\n';
const DAY = 86_400;

/**
 * Later versions mark locked users by `u!`, which the program of this machine may not know; here all are locked.
 * @param {string} text in the form of sysusers.d
 */
export function understoodByOlder(text) {
  return text.replace(/^u!/gm, 'u');
}

/** The file of passwords in which nobody has one. @param {string} passwd @param {number} epoch seconds */
export function shadowOf(passwd, epoch) {
  const lines = passwd.split('\n').filter(Boolean);
  return lines.map((line) => `${line.split(':')[0]}:*:${Math.floor(epoch / DAY)}:0:99999:7:::\n`).join('');
}

/** @param {string} group */
export function groupShadowOf(group) {
  const lines = group.split('\n').filter(Boolean);
  return lines.map((line) => `${line.split(':')[0]}:*::${line.split(':')[3] ?? ''}\n`).join('');
}

/**
 * May run again after more was declared.
 * @param {{ namespace: import('./namespace.mjs').Namespace, root: string }} where
 * @param {number} epoch seconds
 */
export function writeAccounts({ namespace, root }, epoch) {
  const declared = namespace.run([
    'sh',
    '-ec',
    'for each in "$1"/usr/lib/sysusers.d/*.conf; do cat "$each"; echo; done',
    'image',
    root,
  ]);
  namespace.run(['systemd-sysusers', `--root=${root}`, '-'], {
    input: understoodByOlder(`${declared}\n${OTHER_GROUPS}`),
    env: { SOURCE_DATE_EPOCH: String(epoch) },
  });
  // Debian's table marks passwords as kept elsewhere from when they are.
  namespace.run(['sed', '-i', 's/^\\([^:]*\\):[^:]*:/\\1:x:/', `${root}/etc/passwd`, `${root}/etc/group`]);
  for (const [from, to, make] of /** @type {const} */ ([
    ['passwd', 'shadow', (/** @type {string} */ text) => shadowOf(text, epoch)],
    ['group', 'gshadow', groupShadowOf],
  ])) {
    const text = make(namespace.run(['cat', `${root}/etc/${from}`]));
    const script = 'rm -f "$1"; umask 0137; cat > "$1"; chown 0:42 "$1"; chmod 640 "$1"';
    namespace.run(['sh', '-ec', script, 'image', `${root}/etc/${to}`], { input: text });
  }
  namespace.run([
    'sh',
    '-ec',
    'rm -f "$1"/etc/passwd- "$1"/etc/group- "$1"/etc/shadow- "$1"/etc/gshadow- "$1"/etc/.pwd.lock',
    'image',
    root,
  ]);
}
