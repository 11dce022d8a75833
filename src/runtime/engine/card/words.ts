import type { CardReport } from './report.ts';

/** The card in a few words, for people. */
export function cardWords({ chips, nodes, driver, kernel }: CardReport): string[] {
  const words = chips.map(({ chip, address, speed, width, driver: taken }) => {
    const link = speed === null ? '' : `, ${speed}${width === null ? '' : ` ×${width}`}`;
    return `${chip} at ${address}${link}, driver ${taken ?? 'none'}`;
  });
  const files = nodes.map(({ path, mode, group }) => `${path} 0${mode.toString(8)} ${group}`);
  const version = driver.version === null ? '' : `akida-pcie ${driver.version}`;
  const about = [version, kernel && `kernel ${kernel}`].filter(Boolean).join(' on ');
  return [...words, ...files, ...(about === '' ? [] : [about])];
}
