/** What CycloneDX 1.6 says of a part, as far as it is used here. */
export interface Hash {
  readonly alg: 'SHA-256' | 'SHA-512';
  /** Hexadecimal. */
  readonly content: string;
}

export interface Property {
  readonly name: string;
  readonly value: string;
}

export type ComponentType =
  | 'application'
  | 'library'
  | 'platform'
  | 'machine-learning-model'
  | 'data'
  | 'file';

export interface Component {
  readonly type: ComponentType;
  readonly 'bom-ref': string;
  readonly supplier: { readonly name: string } | undefined;
  readonly group?: string;
  readonly name: string;
  readonly version: string;
  readonly hashes?: readonly Hash[];
  readonly licenses: readonly ({ license: { id: string } } | { expression: string })[];
  readonly purl: string;
  readonly properties?: readonly Property[];
}

export interface Part {
  readonly type: ComponentType;
  readonly group?: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  /** SPDX identifier or expression; null where it is unknown. */
  readonly licence: string | null;
  readonly supplier: string | null;
  readonly hashes?: readonly Hash[];
  readonly properties?: readonly Property[];
}

/** What is unknown stays out, and is found by `checkSbom`. */
export function componentOf({ licence, supplier, hashes = [], ...part }: Part): Component {
  const isExpression = licence !== null && / (AND|OR) /.test(licence);
  return {
    'bom-ref': part.purl,
    ...part,
    supplier: supplier === null ? undefined : { name: supplier },
    ...(hashes.length > 0 && { hashes }),
    licenses:
      licence === null ? [] : isExpression ? [{ expression: licence }] : [{ license: { id: licence } }],
  };
}

export function genericPurl(name: string, version: string, sha256?: string): string {
  const place = `pkg:generic/${encodeURIComponent(name)}@${encodeURIComponent(version)}`;
  return sha256 === undefined ? place : `${place}?checksum=sha256:${sha256}`;
}
