import path from 'node:path';
import { printable } from '../../errors.ts';
import { parameterCount } from '../../model/architecture/parameters.ts';
import type { Checkpoint } from '../../model/checkpoint/format.ts';
import type { BackendName } from '../../training/backend/backend.ts';
import { TRAINING_FILES } from '../../training/trainer/files.ts';

/** What `train --json` prints. */
export interface TrainingDocument {
  readonly checkpoint: string;
  readonly architecture: string;
  readonly parameters: number;
  readonly quantised: boolean;
  readonly seed: number;
  readonly backend: BackendName;
  /** Epochs of the last stage up to the selected one. */
  readonly epochs: number;
  /** Figures of that epoch. */
  readonly metrics: Readonly<Record<string, number>>;
}

export function trainingDocument(
  { architecture, quantisation, progress, metrics }: Checkpoint,
  { out, backend }: { readonly out: string; readonly backend: BackendName },
): TrainingDocument {
  return {
    checkpoint: path.join(out, TRAINING_FILES.result),
    architecture: architecture.name,
    parameters: parameterCount(architecture),
    quantised: quantisation !== null,
    seed: progress.seed,
    backend,
    epochs: progress.epochs,
    metrics,
  };
}

export function trainingLines(document: TrainingDocument): string[] {
  const { checkpoint, architecture, parameters, quantised, metrics } = document;
  const figures = Object.entries(metrics).map(([name, value]) => `${printable(name)} ${value.toFixed(4)}`);
  return [
    `${printable(`${checkpoint}: ${architecture}`)}, ${parameters} parameters, ${quantised ? 'quantised' : 'float'}`,
    figures.join(', '),
  ];
}
