import { akida1 } from './akida1.ts';

/** AKD1000: 78 neural processors. */
export const AKD1000 = akida1({ pools: [2], inputs: 57_334 });
