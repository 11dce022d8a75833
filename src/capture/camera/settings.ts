/** What can be set of a camera. */
export interface CameraSettings {
  readonly width: number;
  readonly height: number;
  /** Frames per second. */
  readonly rate: number;
  /** Half a turn for a camera that is mounted upside down. Default 0. */
  readonly rotation?: 0 | 180;
  /** Which of several cameras of a Raspberry Pi, from 0. */
  readonly number?: number;
  /** Dioptres, 1 / metres; fixes the focus of a Raspberry Pi's camera there. */
  readonly lens?: number;
  /** Microseconds; fixes the exposure of a Raspberry Pi's camera. */
  readonly exposure?: number;
  /** Bytes from one row to the next of a libcamera stream, where the width rounded up to 64 is wrong. */
  readonly stride?: number;
}

export const DEFAULT_CAMERA: CameraSettings = { width: 1280, height: 960, rate: 15 };
