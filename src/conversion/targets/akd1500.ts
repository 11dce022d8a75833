import { akida1 } from './akida1.ts';

/** AKD1500: 32 neural processors, so that a large network goes through them in several passes. */
export const AKD1500 = akida1({ pools: [2, 3], inputs: 81_920 });
