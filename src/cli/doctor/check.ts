import type { ReadCore } from '../../runtime/engine/card/core.ts';
import type { Backend } from '../../runtime/engine/contract.ts';
import type { TlsFiles } from '../../telehealth/endpoint.ts';

/** What a check found. */
export interface Finding {
  /** What was looked at, for example `camera`. */
  readonly part: string;
  /**
   * `works`: tried, and it does. `absent`: not here, and the appliance can do without. `broken`: it is needed, or it is
   * here, and does not work. `unknown`: what was seen does not tell; neither good nor a fault.
   */
  readonly state: 'works' | 'absent' | 'broken' | 'unknown';
  /** What was seen. */
  readonly detail: string;
  /** How to mend it; absent where nothing is to be mended. */
  readonly remedy?: string;
}

/** Where the checks look; tests give folders of their own. */
export interface Surroundings {
  readonly dev: string;
  readonly sys: string;
  /** Below which everything else of the machine lies, for the card. Default: /. */
  readonly root?: string;
  /** What can compute. Default: the registry's. */
  readonly backends?: readonly Backend[];
  /** How the card's core is asked; null where it cannot be. Default: as the addon offers it. */
  readonly readCore?: ReadCore | null;
  readonly model: string;
  readonly dataFolder: string;
  /** A broker's URL; without it, none is tried. */
  readonly broker?: string;
  /** Certificates and key for that broker. */
  readonly tls?: TlsFiles;
}

/** One finding, or several of one part, the one that sums up first. */
export type Check = (surroundings: Surroundings) => Promise<Finding | readonly Finding[]>;
