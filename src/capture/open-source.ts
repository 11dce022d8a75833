import { type SpikescopeError, UsageError } from '../errors.ts';
import type { YuvFrame } from '../frame.ts';
import { type CameraOptions, CameraSource } from './camera/camera-source.ts';
import { type CameraSettings, libcameraPrograms, v4l2Programs } from './camera/program.ts';
import { PhantomSource } from './phantom.ts';
import { ReplaySource } from './replay.ts';
import type { CaptureSource } from './source.ts';

export interface SourceOptions {
  /** Unsigned 32-bit seed of phantoms. */
  readonly seed: number;
  /** Whether a folder starts over after its last image. */
  readonly endless: boolean;
  /** Whether a camera that is not connected is a failure, instead of being waited for. */
  readonly mustBePresent: boolean;
  readonly camera: CameraSettings;
  /** Of a camera's last frames the one with the highest value is captured. */
  readonly sharpness: (frame: YuvFrame) => number;
  /** Called for every fault that a camera recovers from by itself. */
  readonly onFault: (fault: SpikescopeError) => void;
}

/**
 * Opens what `--source` names: `phantom`, `replay:DIR`, `libcamera` or `v4l2:DEV`.
 * @throws UsageError `SOURCE_UNKNOWN`, `CAMERA_SIZE`, `CAMERA_DEVICE`, and as `ReplaySource.open`
 */
export async function openSource(specification: string, options: SourceOptions): Promise<CaptureSource> {
  if (specification === 'phantom') return new PhantomSource(options.seed);
  const [kind, place] = splitOnce(specification);
  if (kind === 'replay' && place) return ReplaySource.open(place, options);
  if (specification === 'libcamera') {
    const programs = libcameraPrograms(options.camera);
    return openCamera({ kind: 'libcamera', name: 'the camera of this Raspberry Pi', programs }, options);
  }
  if (kind === 'v4l2' && place) {
    const programs = v4l2Programs(place, options.camera);
    return openCamera({ kind, name: `camera ${place}`, programs, device: place }, options);
  }
  throw new UsageError('SOURCE_UNKNOWN', 'There is no such source of captures', {
    field: '--source',
    expected: 'phantom, replay:DIR, libcamera or v4l2:DEV',
    received: specification,
  });
}

interface Camera extends Pick<CameraOptions, 'kind' | 'programs' | 'device'> {
  readonly name: string;
}

function openCamera({ name, ...camera }: Camera, options: SourceOptions): CameraSource {
  const { sharpness, onFault, mustBePresent } = options;
  const { width, height, rate } = options.camera;
  const description = `${name}, ${width}×${height} at ${rate} frames a second`;
  return new CameraSource({ ...camera, description, rate, sharpness, onFault, mustBePresent });
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf(':');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
