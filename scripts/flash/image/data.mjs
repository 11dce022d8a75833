/** The partition that keeps what a device learns: made small, grown to the card at the first start. */
import { closeSync, openSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { uuidOf } from './digest.mjs';
import { tool } from './tools.mjs';

/** As files/ declares them in sysusers.d: they outlive the image that made them. */
const OWNER = 900;

/**
 * An ext4 with the folders of the tree, written by debugfs, because mke2fs would take times along from this machine.
 * @param {{ out: string, size: number, seed: string, epoch: number, settings: string, scratch: string }} wish
 */
export function makeData({ out, size, seed, epoch, settings, scratch }) {
  closeSync(openSync(out, 'w'));
  truncateSync(out, size);
  const env = { E2FSPROGS_FAKE_TIME: String(epoch), SOURCE_DATE_EPOCH: String(epoch) };
  const extended = `hash_seed=${uuidOf(seed, 'data names')},lazy_itable_init=0,lazy_journal_init=0,nodiscard,root_owner=0:0`;
  const identity = ['-L', 'data', '-U', uuidOf(seed, 'data'), '-E', extended];
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-m', '1', ...identity, out], { env });
  const file = path.join(scratch, 'spikescope.yaml');
  writeFileSync(file, settings);
  const commands = [
    ...folder('spikescope', 0o700, OWNER, OWNER),
    ...folder('settings', 0o750, 0, OWNER),
    ...folder('systemd', 0o755, 0, 0),
    ...folder('system', 0o700, 0, 0),
    'cd /settings',
    `write ${file} spikescope.yaml`,
    ...owned('/settings/spikescope.yaml', 0o100640, 0, OWNER),
    ...['atime', 'ctime', 'mtime', 'crtime'].map(
      (each) => `set_inode_field /settings/spikescope.yaml ${each} @${epoch}`,
    ),
  ];
  const list = path.join(scratch, 'data.debugfs');
  writeFileSync(list, `${commands.join('\n')}\n`);
  tool('debugfs', ['-w', '-f', list, out], { env });
  tool('e2fsck', ['-f', '-n', out], { env });
}

/** @param {string} name @param {number} mode @param {number} user @param {number} group */
function folder(name, mode, user, group) {
  return [`mkdir /${name}`, ...owned(`/${name}`, 0o040000 | mode, user, group)];
}

/** @param {string} name @param {number} mode @param {number} user @param {number} group */
function owned(name, mode, user, group) {
  return [
    `set_inode_field ${name} mode 0${mode.toString(8)}`,
    `set_inode_field ${name} uid ${user}`,
    `set_inode_field ${name} gid ${group}`,
  ];
}
