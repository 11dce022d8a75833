import { afterEach } from 'vitest';
import { TestDevice } from './device.ts';
import { Simulator } from './simulator.ts';

const TOP = ['root', 'targets', 'snapshot', 'timestamp'];

/** A repository and a device that was set up with its first root. */
export interface Scenario {
  readonly repository: Simulator;
  readonly device: TestDevice;
}

const devices: TestDevice[] = [];

/** Call at the top of a file that uses `scenario`. */
export function endDevicesAfterEach(): void {
  afterEach(() => {
    for (const device of devices.splice(0)) device.end();
  });
}

/** As the public suite begins most of its tests: all roles of version 1. */
export function scenario(): Scenario {
  const repository = new Simulator();
  return { repository, device: deviceOf(repository) };
}

export function deviceOf(repository: Simulator, root = repository.bytes('root', 0)): TestDevice {
  const device = new TestDevice(root);
  devices.push(device);
  return device;
}

/** The top-level roles, in the order in which the public suite publishes them. */
export const all = (...others: string[]) => [...TOP.slice(0, 1), ...others, ...TOP.slice(1)];
