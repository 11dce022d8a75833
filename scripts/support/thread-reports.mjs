/** Which reports of the thread sanitizer are about the addon. Node itself is not built with it. */

/** A frame of the addon, or of the planted one, in a stack. */
const OWN_FRAME = /\(spikescope[\w-]*\.node\+0x/;
/** The stack that opened the file which a report is about. */
const OPENED_BY = /Location is file descriptor \d+ created by .*\n((?: {4}#.*\n)+)/;

/**
 * Whether the addon is in one of a report's stacks, and not only by the number of a file: libuv closes by system calls that
 * the sanitizer does not see, so that a number which Node had, given to the addon, looks like a file that both use.
 * @param {string} report
 */
export function isAboutAddon(report) {
  const opened = OPENED_BY.exec(report)?.[1];
  return OWN_FRAME.test(report) && (opened === undefined || OWN_FRAME.test(opened));
}
