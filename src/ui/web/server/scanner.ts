/** Reads a barcode or a QR code that is held before the camera. */
import type { CaptureSource, LiveFrame } from '../../../capture/source.ts';
import { reduced, reductionOf } from '../../../preprocess/reduced.ts';

/** Milliseconds for which a code is looked for, and from one look to the next. */
const LOOKS_FOR = 20_000;
const INTERVAL = 200;
/** Pixels along the longer side at which codes are read. */
const LONGEST = 1280;

/** What codes of wristbands and worklists are. */
const FORMATS = ['QRCode', 'DataMatrix', 'Code128', 'Code39', 'Aztec', 'PDF417'] as const;

/** Finds a code in pixels. */
type Reader = (image: {
  data: Uint8ClampedArray<ArrayBuffer>;
  width: number;
  height: number;
}) => Promise<string | null>;

/** Loaded when it is first asked for: it takes memory that a device without scanning does not spend. */
async function openReader(): Promise<Reader> {
  const { prepareZXingModule, readBarcodes } = await import('zxing-wasm/reader');
  const { readFile } = await import('node:fs/promises');
  const { createRequire } = await import('node:module');
  const file = createRequire(import.meta.url).resolve('zxing-wasm/reader/zxing_reader.wasm');
  const wasmBinary = new Uint8Array(await readFile(file)).buffer;
  prepareZXingModule({ overrides: { wasmBinary } });
  return async ({ data, width, height }) => {
    const image = { data, width, height, colorSpace: 'srgb' } as const;
    const [found] = await readBarcodes(image, { formats: [...FORMATS], maxNumberOfSymbols: 1 });
    return found?.isValid ? found.text : null;
  };
}

export class Scanner {
  readonly #source: CaptureSource;
  readonly #onChange: () => void;
  #stop: AbortController | null = null;
  #reader: Promise<Reader> | null = null;

  constructor(source: CaptureSource, onChange: () => void) {
    this.#source = source;
    this.#onChange = onChange;
  }

  get isScanning(): boolean {
    return this.#stop !== null;
  }

  stop(): void {
    this.#stop?.abort();
  }

  /** What the first code says; null where none came in time, where it was stopped, or where no camera shows anything. */
  async scan(): Promise<string | null> {
    this.stop();
    const stop = new AbortController();
    this.#stop = stop;
    this.#onChange();
    try {
      this.#reader ??= openReader();
      const read = await this.#reader;
      const until = performance.now() + LOOKS_FOR;
      for (let last: object | null = null; performance.now() < until && !stop.signal.aborted; ) {
        const newest = this.#source.newest?.() ?? null;
        if (newest !== null && newest.frame !== last) {
          last = newest.frame;
          const text = await read(rgbaOf(newest));
          if (text !== null) return text;
        }
        await pause(stop.signal);
      }
      return null;
    } finally {
      if (this.#stop === stop) {
        this.#stop = null;
        this.#onChange();
      }
    }
  }
}

function rgbaOf({ frame }: LiveFrame) {
  const { rgb, width, height } = reduced(frame, reductionOf(frame, LONGEST));
  const data = new Uint8ClampedArray(4 * width * height);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    data[to] = rgb[from];
    data[to + 1] = rgb[from + 1];
    data[to + 2] = rgb[from + 2];
    data[to + 3] = 255;
  }
  return { data, width, height };
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, INTERVAL);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
