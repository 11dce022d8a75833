/** What is shown where the device has not answered yet, no longer does, or ends. */
import { useEffect, useState } from 'preact/hooks';
import type { ScreenState } from '../../contract.ts';
import { useWords } from '../language/language.ts';
import { SeverityShape } from '../parts/icons.tsx';
import { Heading } from '../parts/parts.tsx';

export function Starting() {
  const { t } = useWords();
  return (
    <main class="away" id="content">
      <h1>{t('app.name')}</h1>
      <p role="status">{t('app.starting')}</p>
      <p class="research">{t('app.research')}</p>
    </main>
  );
}

type Fault = NonNullable<ScreenState['ending']>;

/**
 * Nothing of the last state stays, it may be wrong by now; but a device that said why it ends has said what to do.
 * @param since of the page's own clock, milliseconds
 */
export function Lost({ since, ending }: { since: number; ending: Fault | null }) {
  const { t } = useWords();
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  if (ending !== null) {
    return (
      <main id="content">
        <Ending fault={ending} />
        <p class="research">{t('app.research')}</p>
      </main>
    );
  }
  return (
    <main class="away" id="content">
      <SeverityShape severity="fault" />
      <h1>{t('app.lost')}</h1>
      <p>{t('app.lost.how')}</p>
      <p class="small">{t('app.lost.since', { seconds: Math.round((now - since) / 1000) })}</p>
      <p class="research">{t('app.research')}</p>
    </main>
  );
}

export function Ending({ fault }: { fault: Fault }) {
  const { t } = useWords();
  return (
    <section class="away">
      <SeverityShape severity="fault" />
      <Heading>{t(fault.message, { code: fault.code })}</Heading>
      {fault.remedy && (
        <p>
          <strong>{t('app.todo')}:</strong> {t(fault.remedy)}
        </p>
      )}
      <p>{t('app.ending')}</p>
      <p class="small code">{fault.code}</p>
    </section>
  );
}
