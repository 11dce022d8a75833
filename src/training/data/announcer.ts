/** Where long work says what it does. */
export interface Announcer {
  /** A remark on a line of its own. */
  note(line: string): void;
  /** A bar or lines with rate and ETA for so many steps. */
  progress(label: string, total: number): { advance(): void; stop(): void };
}

/** On stderr: a remark as a line, progress every two seconds. */
export const STDERR: Announcer = {
  note: (line) => process.stderr.write(`${line}\n`),
  progress(label, total) {
    const started = performance.now();
    let [done, last] = [0, started];
    return {
      advance() {
        done++;
        const now = performance.now();
        if (now - last < 2000) return;
        last = now;
        const left = Math.ceil((((now - started) / done) * (total - done)) / 1000);
        process.stderr.write(`${label} ${done}/${total}, about ${left} s to go\n`);
      },
      stop() {},
    };
  },
};
