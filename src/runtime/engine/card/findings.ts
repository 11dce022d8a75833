/** What is wrong with a card, by what the machine says of it, and what to do: the faults that others have met. */
import type { CardReport } from './report.ts';

export interface CardFinding {
  /** `fault`: the card cannot work like this. `doubt`: it may work, or stop working. */
  readonly weight: 'fault' | 'doubt';
  readonly detail: string;
  readonly remedy: string;
}

type Rule = (report: CardReport) => CardFinding | null;

const PAGE = 'docs/use/card.md';
/** Bytes that a DMA mask of 32 bits reaches. */
const REACH_OF_32_BITS = 2 ** 32;
/** The last kernel for which version 1.0 of the vendor's driver builds. */
const LAST_FOR_MASTER = [6, 8] as const;

const RULES: readonly Rule[] = [
  isGone,
  isNotBuiltForThisKernel,
  hasNoDriver,
  hasNoNode,
  mayNotBeOpened,
  isOpenToEverybody,
  doesNotEndTransfers,
  movesTooLittle,
  hasTooNarrowAddresses,
  hasOverlayThatBreaksRp1,
  savesPower,
  countsErrors,
];

/** Nothing where there is neither a card nor a driver's file. */
export function cardFindings(report: CardReport): CardFinding[] {
  if (report.chips.length === 0 && report.nodes.length === 0) return [];
  return RULES.map((rule) => rule(report)).filter((finding) => finding !== null);
}

function isGone({ chips }: CardReport): CardFinding | null {
  const gone = chips.find((chip) => chip.isGone);
  if (gone === undefined) return null;
  return {
    weight: 'fault',
    detail: `${gone.chip} at ${gone.address} answers with ones only: its link or its core is dead`,
    remedy: 'switch the power off, not only restart; then check how the module sits, and the supply',
  };
}

function isNotBuiltForThisKernel({ chips, driver, kernel }: CardReport): CardFinding | null {
  if (chips.length === 0 || driver.isLoaded || kernel === null || driver.builtFor.includes(kernel))
    return null;
  const built =
    driver.builtFor.length === 0
      ? 'the driver akida-pcie is not built on this machine'
      : `the driver akida-pcie is built for ${driver.builtFor.join(', ')}, and ${kernel} runs`;
  const tooNew =
    driver.version === '1.0' && isAfter(kernel, LAST_FOR_MASTER)
      ? `; version 1.0 of it stops at kernel ${LAST_FOR_MASTER.join('.')}`
      : '';
  return {
    weight: 'fault',
    detail: `${built}${tooNew}`,
    remedy: `build the pinned version through DKMS, which follows new kernels: ${PAGE}, step 2`,
  };
}

function hasNoDriver({ chips, driver, kernel }: CardReport): CardFinding | null {
  const idle = chips.find((chip) => chip.driver === null);
  if (idle === undefined || idle.isGone) return null;
  if (!driver.isLoaded && (kernel === null || !driver.builtFor.includes(kernel))) {
    return kernel === null
      ? {
          weight: 'fault',
          detail: `no driver has taken ${idle.chip} at ${idle.address}`,
          remedy: `build and load the driver akida-pcie: ${PAGE}, step 2`,
        }
      : null;
  }
  return {
    weight: 'fault',
    detail: `no driver has taken ${idle.chip} at ${idle.address}, though akida-pcie is ${driver.isLoaded ? 'loaded' : 'built'}`,
    remedy: 'load it and read what the kernel says: sudo modprobe akida-pcie; sudo dmesg | grep -i akida',
  };
}

function hasNoNode({ chips, nodes }: CardReport): CardFinding | null {
  const taken = chips.find((chip) => chip.driver !== null);
  if (taken === undefined || nodes.length > 0) return null;
  return {
    weight: 'fault',
    detail: `${taken.driver} has taken ${taken.chip} at ${taken.address}, and there is no /dev/akida0 nor /dev/akd1500_0`,
    remedy: 'read what the kernel says: sudo dmesg | grep -i akida',
  };
}

function mayNotBeOpened({ nodes }: CardReport): CardFinding | null {
  const closed = nodes.find((node) => !node.isOpenable);
  if (closed === undefined) return null;
  const isForGroup = (closed.mode & 0o060) === 0o060 && closed.group !== 'root';
  return {
    weight: 'fault',
    detail: `this user may not open ${closed.path} (${wordsOf(closed)})`,
    remedy: isForGroup
      ? `sudo usermod --append --groups ${closed.group} USER, then log in anew; the service: ${PAGE}, step 3`
      : `install the udev rule that gives it a group of its own: ${PAGE}, step 3`,
  };
}

function isOpenToEverybody({ nodes }: CardReport): CardFinding | null {
  const open = nodes.find(({ mode }) => (mode & 0o006) !== 0);
  if (open === undefined) return null;
  return {
    weight: 'doubt',
    detail: `every program may write to ${open.path} (${wordsOf(open)}), and through it to memory by DMA`,
    remedy: `install the udev rule of this project, which goes before the vendor’s: ${PAGE}, step 3`,
  };
}

function doesNotEndTransfers({ chips, kernelLines }: CardReport): CardFinding | null {
  const count = (kernelLines ?? []).filter((line) => /DMA wait completion timed out/.test(line)).length;
  if (count === 0) return null;
  const place = chips[0]?.address ?? 'ADDRESS';
  return {
    weight: 'fault',
    detail: `transfers did not end in time, ${count === 1 ? 'once' : `${count} times`} since the start, though the link is up`,
    remedy:
      `stop what uses the card; as root: echo 1 > /sys/bus/pci/devices/${place}/remove; ` +
      'echo 1 > /sys/bus/pci/rescan. Where that does not help, switch the power off',
  };
}

function movesTooLittle({ kernelLines }: CardReport): CardFinding | null {
  const line = kernelLines?.find((each) => /unexpected transfer len/.test(each));
  if (line === undefined) return null;
  return {
    weight: 'fault',
    detail: `a transfer was cut short: ${line}`,
    remedy: 'switch the power off; if it comes again, try another slot or adapter: no program mends this',
  };
}

function hasTooNarrowAddresses({ chips, memory, kernel, kernelLines }: CardReport): CardFinding | null {
  const refused = kernelLines?.find((line) =>
    /error -12\b|DMA mask (32|64) set failed|DMA mapping failed/.test(line),
  );
  const narrow = chips.find(({ dmaBits }) => dmaBits !== null && dmaBits <= 32);
  const isOutOfReach = narrow !== undefined && memory !== null && memory > REACH_OF_32_BITS;
  if (refused === undefined && !isOutOfReach) return null;
  const mask = narrow === undefined ? '' : `, DMA mask of ${narrow.dmaBits} bits`;
  const size = memory === null ? '' : `, ${(memory / 2 ** 30).toFixed(0)} GiB of memory`;
  return {
    weight: refused === undefined ? 'doubt' : 'fault',
    detail: `${refused ?? 'the card reaches a part of the memory only'} (kernel ${kernel ?? 'unknown'}${mask}${size})`,
    remedy:
      'update the kernel first; on a Pi 5 then try dtoverlay=pcie-32bit-dma-pi5, never pcie-32bit-dma without -pi5',
  };
}

function hasOverlayThatBreaksRp1({ board, bootSettings }: CardReport): CardFinding | null {
  if (!board?.includes('Raspberry Pi 5') && !board?.includes('Compute Module 5')) return null;
  if (!bootSettings?.some((line) => /^dtoverlay=pcie-32bit-dma(,|$)/.test(line))) return null;
  return {
    weight: 'doubt',
    detail:
      'config.txt has dtoverlay=pcie-32bit-dma, which on this board also cuts off RP1: sound, camera and header',
    remedy:
      'take the line out and restart; where 32-bit DMA is needed, pcie-32bit-dma-pi5 is the overlay for this board',
  };
}

function savesPower({ chips, linkPolicy }: CardReport): CardFinding | null {
  const saving = chips.find(({ powerSaving }) => (powerSaving ?? []).length > 0);
  const isWished = linkPolicy?.startsWith('powersave') || linkPolicy === 'powersupersave';
  if (saving === undefined && !isWished) return null;
  const states = saving?.powerSaving?.join(' and ');
  return {
    weight: 'doubt',
    detail: [
      states && `the link of ${saving?.address} may sleep (${states}), at which the card stops working`,
      linkPolicy && `policy of the kernel: ${linkPolicy}`,
    ]
      .filter(Boolean)
      .join('; '),
    remedy: 'add pcie_aspm=off to the kernel’s command line (cmdline.txt) and restart',
  };
}

function countsErrors({ chips }: CardReport): CardFinding | null {
  const failing = chips.find(
    ({ errors }) => errors !== null && Object.values(errors).some((count) => count > 0),
  );
  if (!failing?.errors) return null;
  const { correctable, nonfatal, fatal } = failing.errors;
  return {
    weight: 'doubt',
    detail: `the link of ${failing.address} has counted errors: ${correctable} correctable, ${nonfatal} not fatal, ${fatal} fatal`,
    remedy:
      'look again in a minute; where they grow: pcie_aspm=off, no pciex1_gen=3, another cable or adapter',
  };
}

function wordsOf({ mode, group }: CardReport['nodes'][number]): string {
  return `mode 0${mode.toString(8)}, group ${group}`;
}

function isAfter(release: string, [major, minor]: readonly [number, number]): boolean {
  const [, ownMajor = 0, ownMinor = 0] = (/^(\d+)\.(\d+)/.exec(release) ?? []).map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor > minor);
}
