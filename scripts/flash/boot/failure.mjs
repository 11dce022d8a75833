/** What the emulator's harness fails at. */
import { Failure } from '../failure.mjs';

export class BootFailure extends Failure {}
