/** How far a step is: a bar on a terminal, a line for every tenth elsewhere. */
import { SingleBar } from 'cli-progress';
import { sizeWords } from './refusal.mjs';

/**
 * @param {string} step such as `writing`
 * @param {number | null} total bytes; null where it is not known
 * @returns {{ advance: (bytes: number) => void, stop: () => void }}
 */
export function startProgress(step, total) {
  if (process.stderr.isTTY === true && total !== null) return bar(step, total);
  return lines(step, total);
}

/** @param {string} step @param {number} total */
function bar(step, total) {
  const shown = new SingleBar({
    stream: process.stderr,
    format: `${step.padEnd(9)} {bar} {percentage} %  {done} of {whole}  {speed}/s  {eta_formatted} left`,
    hideCursor: true,
    clearOnComplete: false,
    etaBuffer: 50,
  });
  const begun = Date.now();
  let done = 0;
  const words = () => {
    const seconds = Math.max(1, Date.now() - begun) / 1000;
    return { done: sizeWords(done), whole: sizeWords(total), speed: sizeWords(Math.round(done / seconds)) };
  };
  shown.start(total, 0, words());
  return {
    /** @param {number} bytes */
    advance(bytes) {
      done += bytes;
      shown.update(done, words());
    },
    stop: () => shown.stop(),
  };
}

/** @param {string} step @param {number | null} total */
function lines(step, total) {
  let done = 0;
  let said = 0;
  return {
    /** @param {number} bytes */
    advance(bytes) {
      done += bytes;
      const tenths = total === null ? Math.floor(done / 2 ** 28) : Math.floor((10 * done) / total);
      if (tenths === said) return;
      said = tenths;
      process.stderr.write(`${step} ${total === null ? sizeWords(done) : `${10 * tenths} %`}\n`);
    },
    stop() {},
  };
}
