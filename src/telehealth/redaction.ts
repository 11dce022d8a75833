/** Keeps a broker's credentials out of what people and logs are told, whatever the text that should have been a URL. */

/**
 * Text from outside without anything that could be credentials: what looks like a URL, or stands before an @ in its line,
 * since a password may hold blanks.
 */
export function withoutCredentials(text: string): string {
  return text.replace(/\S*:\/\/[\s\S]*@\S*|.*@\S*|\S*:\/\/\S*/g, '…');
}

/** What may be shown of a text that should have been a broker's address: what is beyond doubt no credential. */
export function shownAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isClear = !text.includes('@') || (url?.username !== '' && text.split('@').length === 2);
  if (url !== null && isClear && url.host !== '') {
    const path = /^[\w./-]*$/.test(url.pathname) ? url.pathname : '/…';
    return `${url.protocol}//${url.host}${path}${url.search === '' ? '' : '?…'}`;
  }
  if (/^[A-Za-z0-9.-]{0,64}$/.test(text)) return text;
  const scheme = /^[a-z]{1,8}:\/\//.exec(text);
  return `${scheme?.[0] ?? ''}…`;
}
