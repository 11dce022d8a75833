/** The camera's picture, live or frozen, with what is drawn over it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { SaliencyOverlay } from '../../contract.ts';
import { draw, drawFrames, type Field, type FrameNews, frozenFrame, wipe } from '../device/frames.ts';

/**
 * Live while `live` holds; afterwards the last frame stays, as that which was taken.
 * @param onNews what is to be told beside the picture
 */
export function LiveCanvas(props: {
  readonly live: boolean;
  readonly label: string;
  readonly onNews: (news: FrameNews) => void;
}) {
  const { live, label, onNews } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [field, setField] = useState<Field | null>(null);
  useEffect(() => {
    const surface = canvas.current;
    if (!live || surface === null) return;
    const ending = new AbortController();
    const tell = (news: FrameNews): void => {
      if (news.kind === 'blank') wipe(surface);
      setField((before) => (news.kind === 'live' ? kept(before, news.cues.field) : null));
      onNews(news);
    };
    void drawFrames(surface, tell, ending.signal);
    return () => ending.abort();
  }, [live, onNews]);
  return (
    <>
      <canvas ref={canvas} role="img" aria-label={label} width={4} height={3} />
      {field && <FieldCircle field={field} canvas={canvas.current} />}
    </>
  );
}

/** The same object while it says the same: nothing is drawn anew then. */
function kept(before: Field | null, now: Field | null): Field | null {
  const same = before?.x === now?.x && before?.y === now?.y && before?.radius === now?.radius;
  return same ? before : now;
}

function FieldCircle({ field, canvas }: { field: Field; canvas: HTMLCanvasElement | null }) {
  const [width, height] = [canvas?.width ?? 4, canvas?.height ?? 3];
  return (
    <svg class="over" viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <circle class="field under" cx={field.x * width} cy={field.y * height} r={field.radius * width} />
      <circle class="field" cx={field.x * width} cy={field.y * height} r={field.radius * width} />
    </svg>
  );
}

/** The frame that a reading is of. @param overlay what the model went by, drawn over it where it is given */
export function FrozenCanvas(props: {
  readonly result: string;
  readonly label: string;
  readonly overlay: SaliencyOverlay | null;
}) {
  const { result, label, overlay } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let end: (() => void) | null = null;
    let isCurrent = true;
    void frozenFrame(result).then((picture) => {
      const surface = canvas.current;
      if (!isCurrent || surface === null || picture === null) return picture?.close();
      const stop = drawAtEachSize(surface, () => draw(surface, picture));
      end = () => {
        stop();
        picture.close();
      };
    });
    return () => {
      isCurrent = false;
      end?.();
    };
  }, [result]);
  return (
    <>
      <canvas ref={canvas} role="img" aria-label={label} width={4} height={3} />
      {overlay && <Saliency overlay={overlay} />}
    </>
  );
}

/**
 * Draws now, and again whenever the canvas is shown in another size: WebKitGTK shows a canvas empty that nothing has drawn
 * since the window was resized, though it holds its pixels.
 * @returns ends it
 */
function drawAtEachSize(canvas: HTMLCanvasElement, drawIt: () => void): () => void {
  const observer = new ResizeObserver(drawIt);
  observer.observe(canvas);
  return () => observer.disconnect();
}

/** Dark where the model did not look, as it is where it did; the square that was read has a border. */
function Saliency({ overlay }: { overlay: SaliencyOverlay }) {
  const { width, height, square, rows, columns, values } = overlay;
  const map = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const canvas = map.current;
    const context = canvas?.getContext('2d');
    if (!canvas || !context) return;
    const pixels = context.createImageData(columns, rows);
    for (const [place, value] of values.entries()) pixels.data[4 * place + 3] = Math.round(215 * (1 - value));
    return drawAtEachSize(canvas, () => context.putImageData(pixels, 0, 0));
  }, [columns, rows, values]);
  const place = {
    left: `${(100 * square.x) / width}%`,
    top: `${(100 * square.y) / height}%`,
    width: `${(100 * square.side) / width}%`,
    height: `${(100 * square.side) / height}%`,
  };
  return (
    <div class="over" style={{ '--shape': `${width} / ${height}` }} aria-hidden="true">
      <canvas ref={map} class="saliency" width={columns} height={rows} style={place} />
    </div>
  );
}
