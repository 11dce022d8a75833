/** What lies in the folder of a stage. */
export const STAGE_FILES = {
  /** Where to go on. */
  last: 'last.checkpoint',
  /** The epoch with the best validation macro F1. */
  best: 'best.checkpoint',
  /** JSON lines, one per epoch. */
  log: 'log.jsonl',
} as const;

/** What lies in the folder of a training beside its stages' folders `float` and `quantised`. */
export const TRAINING_FILES = {
  /** The result, ready for conversion. */
  result: 'model.checkpoint',
  /** Curves of both stages. */
  report: 'report.html',
} as const;
