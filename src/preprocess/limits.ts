/** What an image may cost before it is refused: against decompression bombs, and for a device with little memory. */

/** Bytes of an image file. */
export const MAXIMUM_FILE_BYTES = 64 * 2 ** 20;

/** Pixels of a decoded frame: 150 MB of RGB. */
export const MAXIMUM_PIXELS = 50_000_000;

/** Width or height, pixels. */
export const MAXIMUM_DIMENSION = 16_384;

/**
 * Scans of a JPEG. Encoders write about ten; thousands of scans that change nothing fit into a small file and keep a
 * decoder busy for half a minute.
 */
export const MAXIMUM_SCANS = 100;

/** Seconds that decoding may take. */
export const MAXIMUM_DECODE_SECONDS = 30;
