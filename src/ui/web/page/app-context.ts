/** What every view is given: the device, its present state, and how to ask for something. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { CommandReply, ScreenCommand, ScreenState } from '../contract.ts';
import type { Right } from '../words.ts';
import type { Device } from './device/device.ts';

export const VIEWS = ['capture', 'patient', 'history', 'status', 'settings'] as const;
export type View = (typeof VIEWS)[number];

export interface AppContext {
  readonly device: Device;
  readonly state: ScreenState;
  readonly version: string;
  /** Asks the device, and shows why it did not do it where it did not. */
  readonly ask: (command: ScreenCommand) => Promise<CommandReply>;
  readonly may: (right: Right) => boolean;
  readonly go: (view: View) => void;
  readonly shortcuts: { readonly on: boolean; readonly set: (on: boolean) => void };
}

export const Context = createContext<AppContext | null>(null);

export function useApp(): AppContext {
  const context = useContext(Context);
  if (context === null) throw new Error('a view is used outside the application');
  return context;
}
