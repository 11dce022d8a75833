import os from 'node:os';

/** What the times were measured on. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly architecture: string;
  readonly system: string;
  readonly node: string;
}

export function thisMachine(): Machine {
  return {
    processor: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    architecture: os.arch(),
    system: `${os.type()} ${os.release()}`,
    node: process.versions.node,
  };
}
