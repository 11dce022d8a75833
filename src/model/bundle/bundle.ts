import type { IntegerGraph } from '../graph.ts';
import type { AkidaProgramsSection } from './akida-programs-section.ts';
import type { ModelCard } from './card.ts';
import type { ClassTableSection } from './class-table-section.ts';
import type { Manifest, Preprocessing, Readout } from './contract.ts';
import type { LearningSection } from './learning-section.ts';
import type { LightSection } from './light-section.ts';
import type { ScopeSection } from './scope-section.ts';
import type { TriageSection } from './triage-section.ts';

/**
 * An input and the potentials that every engine must compute for it, bit for bit. Generated patterns, never a photograph.
 */
export interface GoldenCase {
  /** uint8, the graph's input shape. */
  readonly input: Uint8Array;
  /** int32, one per class. */
  readonly potentials: Int32Array;
}

/** Everything a device needs to read lesions with one model. */
export interface ModelContents {
  readonly name: string;
  readonly version: string;
  readonly graph: IntegerGraph;
  readonly preprocessing: Preprocessing;
  readonly readout: Readout;
  readonly golden: readonly GoldenCase[];
  readonly manifest: Manifest;
  readonly card: ModelCard;
  /** Absent from bundles that cannot learn on the device. */
  readonly learning?: LearningSection | undefined;
  /** Absent from bundles that say nothing of their classes; read it through `classTableOf`. */
  readonly classTable?: ClassTableSection | undefined;
  /** True where nobody named the classes at conversion, so that their names are a guess; else absent. */
  readonly assumedClasses?: true | undefined;
  /** Absent from bundles that do not triage. */
  readonly triage?: TriageSection | undefined;
  /** Absent from bundles that cannot tell what is no lesion. */
  readonly scope?: ScopeSection | undefined;
  /** Absent from bundles that take every light as it comes. */
  readonly light?: LightSection | undefined;
  /** Absent from bundles that no Akida card runs; read it through `akidaProgramOf`. */
  readonly akidaPrograms?: AkidaProgramsSection | undefined;
}

/**
 * A bundle as read from disk: its contents and the SHA-256 (hexadecimal) over all its bytes before the digest. `manifest`,
 * `card`, `learning` and `akidaPrograms` are checked when they are first asked for, and throw `BUNDLE_SCHEMA` or
 * `BUNDLE_INCONSISTENT` then: no reading needs them, and a start has not the time.
 */
export interface ModelBundle extends ModelContents {
  readonly digest: string;
}

/** What results say about the model that made them. */
export interface ModelIdentity {
  readonly name: string;
  readonly version: string;
  readonly digest: string;
}

export function identityOf({ name, version, digest }: ModelBundle): ModelIdentity {
  return { name, version, digest };
}
