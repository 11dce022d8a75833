import type { SpikescopeError } from '../errors.ts';
import type { YuvFrame } from '../frame.ts';
import type { CameraSettings } from './camera/settings.ts';
import type { SourceKind } from './kinds.ts';
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

/** A kind of source, as its one file registers it. */
export interface SourceType {
  readonly kind: SourceKind;
  /** Name in help of what follows the kind and a colon, for example `DIR`; null where nothing does. */
  readonly place: string | null;
  /**
   * @param place what follows the colon, never empty; '' where `place` is null
   * @throws UsageError when such a source cannot be opened
   */
  open(place: string, options: SourceOptions): Promise<CaptureSource>;
}
