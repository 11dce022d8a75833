import type { CardHealth, CardState } from '../../../telehealth/card.ts';
import { MachineFiles } from '../../engine/card/machine-files.ts';
import { chipsOnBus } from '../../engine/card/pci.ts';

/**
 * The card as it serves, with what the system says of its link: of the first, where there are several.
 * @param state null where no card is in use
 * @param root below which the machine's files lie; usually /
 */
export async function cardHealth(state: CardState | null, root = '/'): Promise<CardHealth | null> {
  if (state === null) return null;
  const [chip] = await chipsOnBus(new MachineFiles(root));
  if (chip === undefined) return { ...state, link: null, linkErrors: null };
  const { speed, width, errors } = chip;
  const link = speed === null ? null : `${speed.slice(0, 48)}${width === null ? '' : ` x${width}`}`;
  return { ...state, link, linkErrors: errors };
}
