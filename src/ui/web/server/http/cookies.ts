/** A cookie of a request; undefined where it has none of the name. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}

/** What sets one for as long as the browser runs, or until it is paired anew: no script reads it, no other site sends it. */
export function cookieFor(name: string, value: string, { isSecure = false, maximumAge = 0 } = {}): string {
  const lasting = maximumAge > 0 ? `; Max-Age=${maximumAge}` : '';
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}${lasting}`;
}
