/** Real values of an image in bytes: 0…1. */
export function realImage(image: Uint8Array): Float32Array {
  return Float32Array.from(image, (value) => value / 255);
}
