/** What a person can ask of the appliance with one finger. The same words come from keys and from MQTT commands. */
export const BUTTONS = ['capture', 'confirm', 'next-label', 'undo'] as const;
export type Button = (typeof BUTTONS)[number];

/** Header pins by BCM number: a button connects its pin to ground. */
export type ButtonPins = Readonly<Record<Button, number>>;

export const DEFAULT_PINS: ButtonPins = { capture: 17, confirm: 27, 'next-label': 22, undo: 23 };

/** A change of a line: `isDown` when the button is down. `at`: milliseconds on the clock of `performance.now()`. */
export interface Edge {
  readonly pin: number;
  readonly isDown: boolean;
  readonly at: number;
}

/** Where edges come from. */
export interface LineMonitor {
  /** What a person should read about it. */
  describe(): string;
  stop(): Promise<void>;
}
