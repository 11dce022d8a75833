/** What an image may cost before it is refused: against decompression bombs, and for a device with little memory. */

/** Bytes of an image file. */
export const MAXIMUM_FILE_BYTES = 64 * 2 ** 20;

/** Pixels of a decoded frame, 156 MB of RGB: a telephone’s “50 megapixels” are up to 8192×6144. */
export const MAXIMUM_PIXELS = 52_000_000;

/** Width or height, pixels. */
export const MAXIMUM_DIMENSION = 16_384;

/**
 * Scans of a JPEG. Encoders write about ten; thousands of scans that change nothing fit into a small file and keep a
 * decoder busy for half a minute.
 */
export const MAXIMUM_SCANS = 100;

/** Chunks of a PNG or WebP, segments of a JPEG, entries of a TIFF's directories: small chunks come by ten thousands. */
export const MAXIMUM_PARTS = 100_000;

/** Bytes of a PNG's compressed text. Sixty-four kilobytes become sixty-four megabytes, which take a second. */
export const MAXIMUM_COMPRESSED_TEXT = 64 * 2 ** 10;

/** Pages of a TIFF that are counted; of more than one none is read. */
export const MAXIMUM_PAGES = 1000;

/** Seconds that decoding may take, the header's reading included. */
export const MAXIMUM_DECODE_SECONDS = 30;
