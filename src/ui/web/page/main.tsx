import { render } from 'preact';
import { App } from './app.tsx';
import { Device } from './device/device.ts';

const place = document.getElementById('app');
if (place !== null) {
  const device = new Device();
  render(<App device={device} />, place);
  void device.connect();
}
