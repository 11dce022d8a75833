import { SpikescopeError } from '../../errors.ts';
import { chipAnswering, nativeReadCore, type ReadCore } from '../../runtime/engine/card/core.ts';
import { type CardFinding, cardFindings } from '../../runtime/engine/card/findings.ts';
import { type CardReport, cardReport } from '../../runtime/engine/card/report.ts';
import { cardWords } from '../../runtime/engine/card/words.ts';
import type { Backend } from '../../runtime/engine/contract.ts';
import { openModel } from '../../runtime/engine/open-model.ts';
import { BACKENDS } from '../../runtime/engine/registry.ts';
import type { Check, Finding } from './check.ts';

const part = 'card';
/** Faults that say nothing of the card: this build, this model, or another process. */
const NOT_THE_CARDS = ['DEVICE_BUSY', 'DEVICE_PROGRAM'];

/**
 * The Akida card: what the machine says of it, and, where nothing speaks against it, whether it answers the model's golden
 * inputs. One line where there is none.
 */
export const checkCard: Check = async ({
  root = '/',
  model,
  backends = BACKENDS,
  readCore = nativeReadCore(),
}) => {
  const report = await cardReport(root);
  if (report.chips.length === 0 && report.nodes.length === 0) return noCard(report);
  const found = cardFindings(report).map(findingOf);
  const tried = found.some(({ state }) => state === 'broken')
    ? null
    : await tryCard(model, backends, () => coreWords(report, readCore));
  const detail = [...cardWords(report), ...(tried === null ? [] : [tried.detail])].join('; ');
  return [{ ...(tried ?? { state: 'broken', remedy: 'as the next lines say' }), part, detail }, ...found];
};

function noCard({ board, bootSettings, driver }: CardReport): Finding {
  const hasDriver = driver.isLoaded || driver.builtFor.length > 0;
  const detail = `no card; the processor computes${hasDriver ? '' : '; the driver akida-pcie is not on this machine'}`;
  const isSwitchedOff = board?.startsWith('Raspberry Pi 5') && !bootSettings?.includes('dtparam=pciex1');
  if (!isSwitchedOff) return { part, state: 'absent', detail };
  return {
    ...{ part, state: 'absent', detail },
    remedy: 'should there be one: dtparam=pciex1 in /boot/firmware/config.txt, and a restart',
  };
}

function findingOf({ weight, detail, remedy }: CardFinding): Finding {
  return { part, state: weight === 'fault' ? 'broken' : 'unknown', detail, remedy };
}

/** @param core what its core says of itself, asked where it cannot be opened as a backend */
async function tryCard(
  model: string,
  backends: readonly Backend[],
  core: () => string,
): Promise<Omit<Finding, 'part'>> {
  const backend = backends.find(({ kind }) => kind === 'akida');
  const description = backend?.describe();
  if (!description?.present) {
    const reason = description?.fault.details.received ?? 'this build knows no card';
    try {
      return {
        state: 'unknown',
        detail: `${core()}nothing was run on it: ${reason}`,
        remedy: 'build the addon with the vendor’s engine: docs/use/card.md, step 4',
      };
    } catch (error) {
      if (!(error instanceof SpikescopeError)) throw error;
      return failed(error);
    }
  }
  try {
    const { bundle, engine } = await openModel(model, { backend: 'akida' }, backends);
    await engine.close();
    return { state: 'works', detail: `it answers the golden inputs of ${bundle.name} ${bundle.version}` };
  } catch (error) {
    if (!(error instanceof SpikescopeError)) throw error;
    return failed(error);
  }
}

/** Asks the core, where this build can and a file of the driver is there. @throws SpikescopeError `DEVICE_*` */
function coreWords({ nodes }: CardReport, readCore: ReadCore | null): string {
  const [node] = nodes;
  if (readCore === null || node === undefined) return '';
  return `its core answers as ${chipAnswering(node.path, readCore)}; `;
}

function failed(fault: SpikescopeError): Omit<Finding, 'part'> {
  const { code, message } = fault;
  const detail = `${message} [${code}]`;
  if (code === 'DEVICE_BUSY') {
    return {
      state: 'unknown',
      detail,
      remedy: 'ask the process that has it: its health and status say how the card is',
    };
  }
  const isTheCards =
    (code.startsWith('DEVICE_') || code === 'BUNDLE_GOLDEN') && !NOT_THE_CARDS.includes(code);
  return {
    state: isTheCards ? 'broken' : 'unknown',
    detail,
    remedy:
      fault.details.remedy ??
      (isTheCards
        ? 'switch the power off and on; docs/use/card.md, “What goes wrong”'
        : 'docs/use/card.md, step 4'),
  };
}
