import type { Command } from 'commander';
import { architecturesCommand } from './architectures.ts';
import { cardWearCommand } from './card-wear.ts';
import { cortexA76Command } from './cortex-a76.ts';
import { figuresCommand } from './figures.ts';
import { learningCommand } from './learning.ts';
import { learningUpdateCommand } from './learning-update.ts';
import { outageCommand } from './outage.ts';
import { preprocessingCommand } from './preprocessing.ts';
import { screenCommand } from './screen.ts';
import { soakCommand } from './soak.ts';
import { capturedStepCommand, trainingDataCommand, trainingStepCommand } from './training.ts';
import { triageScoreCommand } from './triage-score.ts';

/** Every suite beside the engine's own, which `bench` runs when none is named. */
export const SUITES: readonly (() => Command)[] = [
  figuresCommand,
  learningCommand,
  learningUpdateCommand,
  outageCommand,
  triageScoreCommand,
  screenCommand,
  soakCommand,
  cardWearCommand,
  architecturesCommand,
  preprocessingCommand,
  trainingDataCommand,
  trainingStepCommand,
  capturedStepCommand,
  cortexA76Command,
];
