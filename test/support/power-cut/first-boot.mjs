/** A first start with a setup on the partition, as the unit of an image does it. */
import path from 'node:path';
import { firstBoot } from '../../../dist/runtime/appliance/first-boot/first-boot.js';

const { WORKLOAD_FOLDER: folder } = process.env;
const at = (name) => path.join(folder, name);
await firstBoot({
  ...{ partition: at('partition'), settings: at('settings'), system: at('system'), data: at('data') },
  ...{ owner: null, board: null, serial: '10000000abcd1234', imageRoot: null },
});
