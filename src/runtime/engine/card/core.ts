/** The card's core by its identification register (0xFCC00000), which needs the native layer to be read. */
import { RefusedError, SpikescopeError } from '../../../errors.ts';
import { addonOrFault, fromNative } from '../../../native/addon.ts';

/** What the register reads, by the vendor's sources. */
const IDENTIFICATIONS: ReadonlyMap<number, string> = new Map([
  [0xbc000002, 'AKD1000'],
  [0xbca10309, 'AKD1500'],
]);
/** What a bus answers for who does not. */
const ALL_ONES = 0xffffffff;

/** Reads the register of the card at a path such as `/dev/akida0`. @throws SpikescopeError `DEVICE_*` */
export type ReadCore = (device: string) => number;

/** As the addon offers it; null where this build of it does not. */
export function nativeReadCore(): ReadCore | null {
  const addon = addonOrFault();
  if (addon instanceof SpikescopeError || addon.cardIdentification === undefined) return null;
  const { cardIdentification } = addon;
  return (device) => {
    try {
      return cardIdentification(device);
    } catch (error) {
      throw fromNative(error);
    }
  };
}

/**
 * Which chip answers at a path.
 * @throws SpikescopeError `DEVICE_DEAD` where the core does not answer, and as `read`
 * @throws RefusedError `DEVICE_VERSION` for a chip that is not known
 */
export function chipAnswering(device: string, read: ReadCore): string {
  const identification = read(device) >>> 0;
  if (identification === ALL_ONES) {
    throw new SpikescopeError('DEVICE_DEAD', 'The card’s core is dead: its registers read as ones', {
      file: device,
      remedy: 'switch the power off, not only restart',
    });
  }
  const chip = IDENTIFICATIONS.get(identification);
  if (chip !== undefined) return chip;
  throw new RefusedError('DEVICE_VERSION', 'The card says that it is another chip', {
    file: device,
    expected: [...IDENTIFICATIONS].map(([number, name]) => `${name} (${hexadecimal(number)})`).join(' or '),
    received: hexadecimal(identification),
    remedy: 'report it with what lspci -nn says',
  });
}

function hexadecimal(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
