/** The update archive of a system: what a device writes into its other slot. */
import { statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { sha256Of } from './digest.mjs';
import { tool } from './tools.mjs';

/**
 * @param {object} wish
 * @param {string} wish.out
 * @param {string} wish.folder that holds `boot.img` and `root.img`
 * @param {string} wish.version
 * @param {string} wish.board
 * @param {import('./partitions.mjs').Verity} wish.verity
 * @param {number} wish.epoch seconds
 */
export function makeSystemArchive({ out, folder, version, board, verity, epoch }) {
  /** @param {string} name */
  const part = (name) => ({
    size: statSync(path.join(folder, name)).size,
    sha256: sha256Of(path.join(folder, name)),
  });
  const { rootHash, hashOffset } = verity;
  const system = {
    format: 1,
    version,
    board,
    boot: part('boot.img'),
    root: { ...part('root.img'), verityRootHash: rootHash, hashOffset },
  };
  writeFileSync(path.join(folder, 'system.json'), `${JSON.stringify(system, null, 2)}\n`);
  const nobody = ['--owner=0', '--group=0', '--numeric-owner', '--mode=0644', `--mtime=@${epoch}`];
  // The description first: a device refuses before it has written anything.
  const files = ['system.json', 'boot.img', 'root.img'];
  tool('tar', ['--create', `--file=${out}`, `--directory=${folder}`, '--format=ustar', ...nobody, ...files]);
  return system;
}
