import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { addRelease } from '../../../src/release/add-release.ts';
import { rotate, setDelegation } from '../../../src/release/change-keys.ts';
import { copyTo } from '../../../src/release/copy.ts';
import { initialise } from '../../../src/release/drafts.ts';
import { publish } from '../../../src/release/publish.ts';
import { Workspace } from '../../../src/release/workspace.ts';
import {
  CHANNELS,
  type Channel,
  type Release,
  roleOfChannel,
  roleOfSite,
} from '../../../src/updates/release.ts';
import { newSigner } from './simulator.ts';

/** Where releases are made: a workspace with the program's own tools, and keys in memory. */
export class Office {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'office-'));
  readonly workspace = Workspace.create(path.join(this.folder, 'repository'));
  readonly roots = [newSigner(), newSigner()];
  release = newSigner();
  online = newSigner();
  now = Date.now();

  /** One whose roots, of two keys, are signed. */
  static async open(): Promise<Office> {
    const office = new Office();
    await initialise(
      office.workspace,
      {
        root: { keys: office.roots.map(({ key }) => key), threshold: 2 },
        release: { keys: [office.release.key], threshold: 1 },
        online: { keys: [office.online.key], threshold: 1 },
        now: office.now,
      },
      office.everybody,
    );
    return office;
  }

  get everybody() {
    return [...this.roots, this.release];
  }

  async add(
    content: Uint8Array,
    version: string,
    { channel = 'stable', site, ...words }: { channel?: Channel; site?: string } & Partial<Release> = {},
  ) {
    const file = path.join(this.folder, 'model.bin');
    writeFileSync(file, content);
    const place = site === undefined ? roleOfChannel(channel) : roleOfSite(site);
    const release = releaseOf(version, words);
    return addRelease(this.workspace, { file, ...place, release, now: this.now }, [this.release]);
  }

  async publish(validDays?: number) {
    const options = { signers: [this.online], now: this.now, ...(validDays && { validDays }) };
    return publish(this.workspace, options);
  }

  /** Other keys for what is signed at a release and at a publication; the roots stay. */
  async renewKeys(): Promise<void> {
    const [release, online] = [newSigner(), newSigner()];
    const options = { threshold: null, now: this.now };
    const roles = [
      { role: 'online', add: [online.key], remove: [this.online.key.keyID], ...options },
      { role: 'targets', add: [release.key], remove: [this.release.key.keyID], ...options },
    ] as const;
    for (const role of roles) await rotate(this.workspace, role, [...this.roots, release]);
    for (const place of CHANNELS.map(roleOfChannel)) {
      await setDelegation(this.workspace, { ...place, keys: [release.key], ...options, threshold: 1 }, [
        release,
      ]);
    }
    this.release = release;
    this.online = online;
  }

  /** A stick with what is published. */
  async stick(name = 'stick'): Promise<string> {
    const folder = path.join(this.folder, name);
    mkdirSync(folder, { recursive: true });
    await copyTo(this.workspace, folder);
    return folder;
  }

  end(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function releaseOf(version: string, words: Partial<Release> = {}): Release {
  return {
    schema: 'spikescope/release/1',
    kind: 'model',
    name: 'model',
    version,
    compatible: { hardware: ['any'], cards: [], application: { from: '0.1.0' } },
    journal: 2,
    notes: '',
    change: `change ${version}`,
    ...words,
  };
}
