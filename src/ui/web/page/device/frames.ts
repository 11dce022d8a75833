/**
 * The viewfinder's frames: one request at a time, each a whole picture, drawn and forgotten. What was drawn is taken away
 * when it is older than half a second, whatever became of the next request.
 */
import type { NoFrame } from '../../contract.ts';
import {
  EXPOSURES,
  type Exposure,
  FRAME_HEADERS,
  type NoFrameCode,
  PATHS,
  STALE_AFTER,
} from '../../words.ts';

/** In shares of the frame: x and radius of its width, y of its height. */
export interface Field {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

export interface FrameCues {
  /** As a share of what a capture needs. */
  readonly focus: number;
  readonly exposure: Exposure;
  readonly field: Field | null;
}

export type FrameNews =
  | { readonly kind: 'live'; readonly cues: FrameCues }
  | { readonly kind: 'blank'; readonly why: NoFrameCode };

/** Milliseconds before a request is given up, and between requests while there is nothing to see. */
const PATIENCE = 2_000;
const PAUSE = 250;

/**
 * Draws frames until `signal` is aborted. @param say what is to be told beside the picture, when it changes
 */
export async function drawFrames(
  canvas: HTMLCanvasElement,
  say: (news: FrameNews) => void,
  signal: AbortSignal,
): Promise<void> {
  let staleTimer: ReturnType<typeof setTimeout> | undefined;
  let after = '';
  const blank = (why: NoFrameCode): void => {
    if (!signal.aborted) say({ kind: 'blank', why });
  };
  signal.addEventListener('abort', () => clearTimeout(staleTimer));
  while (!signal.aborted) {
    const frame = await nextFrame(after, signal);
    if (signal.aborted) return;
    if (typeof frame === 'string') {
      blank(frame);
      await pause(PAUSE);
      continue;
    }
    const left = STALE_AFTER - (frame.age + performance.now() - frame.receivedAt);
    if (left > 0) {
      draw(canvas, frame.picture);
      after = frame.id;
      say({ kind: 'live', cues: frame.cues });
      clearTimeout(staleTimer);
      staleTimer = setTimeout(() => blank('FRAME_STALE'), left);
    } else blank('FRAME_STALE');
    frame.picture.close();
    await nextPaint();
  }
}

interface Arrived {
  readonly id: string;
  readonly age: number;
  readonly receivedAt: number;
  readonly picture: ImageBitmap;
  readonly cues: FrameCues;
}

async function nextFrame(after: string, signal: AbortSignal): Promise<Arrived | NoFrameCode> {
  try {
    const query = after === '' ? '' : `?after=${encodeURIComponent(after)}`;
    const response = await fetch(`${PATHS.frame}${query}`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]),
      cache: 'no-store',
    });
    const receivedAt = performance.now();
    if (!response.ok) {
      const why: Partial<NoFrame> = await response.json();
      return why.code ?? 'FRAME_ABSENT';
    }
    const { headers } = response;
    return {
      id: headers.get(FRAME_HEADERS.id) ?? '',
      age: Number(headers.get(FRAME_HEADERS.age) ?? 0),
      receivedAt,
      picture: await createImageBitmap(await response.blob()),
      cues: cuesOf(headers),
    };
  } catch {
    return 'FRAME_ABSENT';
  }
}

function cuesOf(headers: Headers): FrameCues {
  const exposure = headers.get(FRAME_HEADERS.exposure);
  return {
    focus: Number(headers.get(FRAME_HEADERS.focus) ?? 1),
    exposure: EXPOSURES.find((each) => each === exposure) ?? 'good',
    field: fieldOf(headers.get(FRAME_HEADERS.field)),
  };
}

function fieldOf(text: string | null): Field | null {
  const [x, y, radius] = (text ?? '').split(',').map(Number);
  return Number.isFinite(x) && Number.isFinite(y) && Number.isFinite(radius) ? { x, y, radius } : null;
}

export function draw(canvas: HTMLCanvasElement, picture: ImageBitmap): void {
  if (canvas.width !== picture.width || canvas.height !== picture.height) {
    canvas.width = picture.width;
    canvas.height = picture.height;
  }
  canvas.getContext('2d')?.drawImage(picture, 0, 0);
}

export function wipe(canvas: HTMLCanvasElement): void {
  canvas.getContext('2d')?.clearRect(0, 0, canvas.width, canvas.height);
}

/** The frame of the last capture; null where the device has none, or has that of another result. */
export async function frozenFrame(result: string): Promise<ImageBitmap | null> {
  try {
    const response = await fetch(PATHS.frozen, { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE) });
    if (!response.ok || response.headers.get(FRAME_HEADERS.result) !== result) return null;
    return await createImageBitmap(await response.blob());
  } catch {
    return null;
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** A hidden page paints never: then a pause will do. */
function nextPaint(): Promise<void> {
  return document.hidden ? pause(PAUSE) : new Promise((resolve) => requestAnimationFrame(() => resolve()));
}
