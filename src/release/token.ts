/** Keys in a hardware token, by PKCS#11: what is signed goes in, the signature comes out, the private half never does. */
import { Signature } from '@tufjs/models';
import { z } from 'zod';
import { RefusedError, reasonOf, SpikescopeError, UsageError } from '../errors.ts';
import { publicKey, type Signer } from './signer.ts';

const SCHEME = 'pkcs11:';

/** Of PKCS#11 (version 3.0, §6.3 and appendix): what this program speaks of with a token. */
const PKCS11_NUMBERS = {
  class: 0x0,
  label: 0x3,
  ecPoint: 0x181,
  publicKey: 2,
  privateKey: 3,
  user: 1,
  serialSession: 4,
  eddsa: 0x1057,
} as const;
/** An octet string of 32 bytes in DER: how most tokens give the point. */
const POINT_HEADER = Buffer.from([0x04, 0x20]);
const POINT_BYTES = 32;
const SIGNATURE_BYTES = 64;

type Handle = Buffer;
type Template = readonly { readonly type: number; readonly value?: number | string }[];

/** What is used of the package `pkcs11js`, which is installed by whoever has a token, and by nobody else. */
interface PKCS11 {
  load(library: string): void;
  close(): void;
  C_Initialize(): void;
  C_Finalize(): void;
  C_GetSlotList(isTokenPresent: boolean): Handle[];
  C_GetTokenInfo(slot: Handle): { readonly label: string };
  C_OpenSession(slot: Handle, flags: number): Handle;
  C_Login(session: Handle, user: number, pin: string): void;
  C_FindObjectsInit(session: Handle, template: Template): void;
  C_FindObjects(session: Handle): Handle | null;
  C_FindObjectsFinal(session: Handle): void;
  C_GetAttributeValue(session: Handle, object: Handle, template: Template): { readonly value: unknown }[];
  C_SignInit(session: Handle, mechanism: { readonly mechanism: number }, key: Handle): void;
  C_Sign(session: Handle, input: Buffer, output: Buffer): Buffer;
}
const PACKAGE = 'pkcs11js';
const packageSchema = z.object({
  PKCS11: z.custom<new () => PKCS11>((value) => typeof value === 'function'),
});

/** Where a key is: `pkcs11:token=office;object=release?module-path=/usr/lib/…/library.so` (RFC 7512). */
export interface TokenReference {
  /** As it was given. */
  readonly uri: string;
  /** Label of the token. */
  readonly token: string;
  /** Label of the key. */
  readonly object: string;
  /** The token's library. */
  readonly modulePath: string;
}

/** Whether what names a key is a token's, and not a file's. */
export function isTokenReference(name: string): boolean {
  return name.startsWith(SCHEME);
}

/** @throws UsageError `TOKEN_REFERENCE` */
export function parseTokenReference(uri: string): TokenReference {
  const refused = (received: string) =>
    new UsageError('TOKEN_REFERENCE', 'This names no key in a token', {
      field: uri,
      expected: `${SCHEME}token=LABEL;object=LABEL?module-path=/path/of/the/library.so`,
      received,
    });
  try {
    const { pathname, searchParams } = new URL(uri);
    const attributes = new Map(
      pathname.split(';').map((attribute): [string, string] => {
        const [name, value = ''] = attribute.split('=', 2);
        return [name, decodeURIComponent(value)];
      }),
    );
    const [token, object] = ['token', 'object'].map((name) => attributes.get(name) ?? '');
    const modulePath = searchParams.get('module-path') ?? '';
    const missing = Object.entries({ token, object, 'module-path': modulePath }).find(
      ([, value]) => value === '',
    );
    if (missing !== undefined) throw refused(`no ${missing[0]}`);
    return { uri, token, object, modulePath };
  } catch (error) {
    throw error instanceof UsageError ? error : refused(reasonOf(error));
  }
}

/** The public half, for which no PIN is needed. @throws RefusedError `TOKEN` @throws SpikescopeError `TOKEN_PACKAGE` */
export async function publicKeyInToken(reference: TokenReference) {
  const Library = await library();
  return inSession(Library, reference, null, (token, session) => {
    const found = keyIn(token, session, reference, PKCS11_NUMBERS.publicKey);
    const [{ value }] = token.C_GetAttributeValue(session, found, [{ type: PKCS11_NUMBERS.ecPoint }]);
    return publicKey(pointOf(z.instanceof(Buffer).parse(value)).toString('hex'));
  });
}

/** Signs in the token, which is opened for each signature. @param pin of its user @throws as `publicKeyInToken` */
export async function tokenSigner(reference: TokenReference, pin: string): Promise<Signer> {
  const Library = await library();
  const key = await publicKeyInToken(reference);
  return {
    key,
    sign: (bytes) =>
      inSession(Library, reference, pin, (token, session) => {
        const found = keyIn(token, session, reference, PKCS11_NUMBERS.privateKey);
        token.C_SignInit(session, { mechanism: PKCS11_NUMBERS.eddsa }, found);
        const signature = token.C_Sign(session, Buffer.from(bytes), Buffer.alloc(SIGNATURE_BYTES));
        return new Signature({ keyID: key.keyID, sig: signature.toString('hex') });
      }),
  };
}

type Library = new () => PKCS11;

/** The package that speaks with tokens is not installed unless somebody has one. */
async function library(): Promise<Library> {
  try {
    return packageSchema.parse(await import(PACKAGE)).PKCS11;
  } catch (cause) {
    throw new SpikescopeError('TOKEN_PACKAGE', 'The package that speaks with tokens is not installed', {
      expected: PACKAGE,
      received: reasonOf(cause),
      remedy: `npm install ${PACKAGE}`,
      cause,
    });
  }
}

function inSession<T>(
  Library: Library,
  reference: TokenReference,
  pin: string | null,
  work: (token: PKCS11, session: Handle) => T,
): T {
  const token = new Library();
  try {
    token.load(reference.modulePath);
    token.C_Initialize();
    try {
      const session = token.C_OpenSession(slotOf(token, reference), PKCS11_NUMBERS.serialSession);
      if (pin !== null) token.C_Login(session, PKCS11_NUMBERS.user, pin);
      return work(token, session);
    } finally {
      // Ends the session too.
      token.C_Finalize();
    }
  } catch (cause) {
    throw refusedBy(reference, reasonOf(cause), cause);
  } finally {
    token.close();
  }
}

/** A slot that holds the token of the label, which PKCS#11 pads with blanks. */
function slotOf(token: PKCS11, reference: TokenReference): Handle {
  const slot = token
    .C_GetSlotList(true)
    .find((each) => token.C_GetTokenInfo(each).label.trim() === reference.token);
  if (slot === undefined) throw new Error(`no token ${reference.token}`);
  return slot;
}

function keyIn(token: PKCS11, session: Handle, { object }: TokenReference, kind: number): Handle {
  token.C_FindObjectsInit(session, [
    { type: PKCS11_NUMBERS.class, value: kind },
    { type: PKCS11_NUMBERS.label, value: object },
  ]);
  try {
    const found = token.C_FindObjects(session);
    if (found === null) throw new Error(`no key ${object}`);
    return found;
  } finally {
    token.C_FindObjectsFinal(session);
  }
}

/** The 32 bytes of an ed25519 key. */
function pointOf(value: Buffer): Buffer {
  const point = value.subarray(0, 2).equals(POINT_HEADER) ? value.subarray(2) : value;
  if (point.length !== POINT_BYTES)
    throw new Error(`a key that is no ed25519 (a point of ${point.length} bytes)`);
  return point;
}

function refusedBy({ uri }: TokenReference, received: string, cause: unknown): RefusedError {
  return new RefusedError('TOKEN', 'The token does not sign with this key', {
    field: uri,
    expected: 'an ed25519 key of this label in a token that is there, and its PIN',
    received,
    remedy: '`pkcs11-tool --module LIBRARY --list-objects` (package opensc) shows what is there',
    cause,
  });
}
