import { readdir } from 'node:fs/promises';
import type { Check } from './check.ts';
import { outputOf } from './program.ts';

/** A camera of libcamera, or a V4L2 device and a program that can read it. */
export const checkCamera: Check = async ({ dev }) => {
  for (const program of ['rpicam-vid', 'libcamera-vid']) {
    const cameras = await outputOf(program, '--list-cameras');
    if (cameras === null) continue;
    const first = /^\s*0 : (.+)$/m.exec(cameras);
    if (first) return { part: 'camera', state: 'works', detail: `${program} sees ${first[1]}` };
    return {
      part: 'camera',
      state: 'broken',
      detail: `${program} sees no camera`,
      remedy: 'check the ribbon cable at both ends, and camera_auto_detect=1 in config.txt',
    };
  }
  const devices = (await readdir(dev).catch(() => [])).filter((name) => /^video\d+$/.test(name));
  if (devices.length === 0) {
    return {
      part: 'camera',
      state: 'absent',
      detail: 'no rpicam-vid, and no video device',
      remedy: 'apt-get install rpicam-apps-lite on a Raspberry Pi, or connect a USB camera',
    };
  }
  for (const [program, question] of [
    ['ffmpeg', '-version'],
    ['gst-launch-1.0', '--version'],
  ]) {
    if ((await outputOf(program, question)) === null) continue;
    return {
      part: 'camera',
      state: 'unknown',
      detail: `${devices.join(', ')}, and ${program} to read it with; no frame was taken`,
      remedy: `take one: spikescope run --source v4l2:/dev/${devices[0]} --count 1`,
    };
  }
  return {
    part: 'camera',
    state: 'broken',
    detail: `${devices.join(', ')}, and no program to read it with`,
    remedy: 'apt-get install ffmpeg',
  };
};
