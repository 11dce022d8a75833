/**
 * The device of the screen's bench, a process of its own, with or without a screen. Told by its parent what to do, and tells
 * it what came of it (messages.ts); the argument is as `argumentsSchema` has it, JSON.
 */
import { SpikescopeError } from '../../errors.ts';
import { Device } from '../../runtime/appliance/device.ts';
import { openCollector } from '../../runtime/appliance/memory.ts';
import { DEFAULT_SETTINGS } from '../../runtime/appliance/settings/settings.ts';
import {
  argumentsSchema,
  type DeviceAnswer,
  type DeviceRequest,
  type MemoryUse,
  requestSchema,
} from './messages.ts';

function answer(document: DeviceAnswer): void {
  process.send?.(document);
}

function memory(): MemoryUse {
  if (collect === null) throw new SpikescopeError('BENCH_PROCESS', 'V8 gives no collector', {});
  collect();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { resident: rss, reachable: heapUsed + external };
}

function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function openScreen(device: Device) {
  const { Screen } = await import('../../ui/web/server/screen.ts');
  const screen = await Screen.open(device, { port: 0, network: null });
  screen.attach();
  return screen;
}

/** When the flow was given the frame of each result that was asked about last. */
function noteFrames(device: Device): () => Record<string, number> {
  let noted: Record<string, number> = {};
  let at = 0;
  device.appliance.flow.onChange(({ state }) => {
    if (state === 'reading') at = performance.timeOrigin + performance.now();
  });
  device.onClassified((id) => {
    noted[id] = at;
  });
  return () => {
    const before = noted;
    noted = {};
    return before;
  };
}

const { hasScreen, ...settings } = argumentsSchema.parse(JSON.parse(process.argv[2] ?? '{}'));
const stop = new AbortController();
const device = await Device.open({
  settings: { ...DEFAULT_SETTINGS, ...settings, source: 'libcamera', trigger: 'buttons', backend: 'cpu' },
  stop,
  say: (line) => process.stderr.write(`${line}\n`),
});
const screen = hasScreen ? await openScreen(device) : null;
const framed = noteFrames(device);
const collect = openCollector();
await device.start();
const operating = device.operate();

async function end(): Promise<void> {
  stop.abort();
  await operating;
  await screen?.close();
  await device.close();
  if (process.connected) process.disconnect();
}

async function perform({ id, ask }: DeviceRequest): Promise<void> {
  switch (ask) {
    case 'capture': {
      const { reading } = await device.appliance.capture();
      return answer({ id, result: reading?.id ?? null });
    }
    case 'undo':
      device.appliance.flow.press('undo');
      return answer({ id });
    case 'framed':
      return answer({ id, framed: framed() });
    case 'memory':
      return answer({ id, memory: memory() });
    case 'cpu':
      return answer({ id, cpu: cpu() });
    case 'end':
      await end();
  }
}

process.on('message', (message) => {
  perform(requestSchema.parse(message)).catch((error: unknown) => {
    const { code, message } =
      error instanceof SpikescopeError ? error : { code: 'INTERNAL', message: String(error) };
    process.stderr.write(`${code}: ${message}\n`);
    process.exit(1);
  });
});
process.once('disconnect', () => void end());
answer({ id: 0, url: screen?.url ?? null });
