/** What surrounds every view: of whom and how the device is above, where to go below, and what this is not. */
import { useEffect, useRef } from 'preact/hooks';
import { REFUSAL_CODES } from '../words.ts';
import { useApp, VIEWS, type View } from './app-context.ts';
import { NO_ANSWER } from './device/device.ts';
import { useWords } from './language/language.ts';
import { Line, SeverityShape } from './parts/icons.tsx';
import { Notice } from './parts/parts.tsx';
import { Ending } from './views/away.tsx';
import { Capture } from './views/capture.tsx';
import { History } from './views/history.tsx';
import { Patient } from './views/patient.tsx';
import { Settings } from './views/settings.tsx';
import { Status } from './views/status.tsx';

export function Shell({
  open,
  refusal,
  onDismiss,
}: {
  open: View;
  refusal: string | null;
  onDismiss: () => void;
}) {
  const { t } = useWords();
  const { state, may, go } = useApp();
  const main = useRef<HTMLElement>(null);
  // Another view begins at its top.
  useEffect(() => main.current?.scrollTo(0, 0), [open]);
  if (state.display.blank) return <div class="dark" aria-hidden="true" />;
  const views = VIEWS.filter((view) => view !== 'history' || may('history'));
  return (
    <div class="shell" data-sequence={state.sequence}>
      <a class="skip" href="#content">
        {t('app.skip')}
      </a>
      <Top />
      <main id="content" ref={main} tabIndex={-1} class={`view-${open}`}>
        {refusal !== null && (
          <Notice severity="warning" title={refusalWords(refusal, t)} onClose={onDismiss} />
        )}
        {state.ending !== null ? <Ending fault={state.ending} /> : <Opened view={open} />}
      </main>
      <footer class="research">
        {t('app.research')}
        {(state.source === 'phantom' || state.source === 'replay') && (
          <span> · {t('app.demonstration')}</span>
        )}
      </footer>
      <nav aria-label={t('app.views')}>
        {views.map((view) => (
          <button
            key={view}
            type="button"
            aria-current={view === open ? 'page' : undefined}
            onClick={() => go(view)}
          >
            <Line name={view} />
            <span class="word">{t(`nav.${view}`)}</span>
          </button>
        ))}
      </nav>
    </div>
  );
}

function refusalWords(code: string, t: ReturnType<typeof useWords>['t']): string {
  if (code === NO_ANSWER) return t('app.lost');
  const known = REFUSAL_CODES.find((each) => each === code);
  return known === undefined ? t('refusal.other', { code }) : t(`refusal.${known}`);
}

function Opened({ view }: { view: View }) {
  switch (view) {
    case 'capture':
      return (
        <>
          <Faults />
          <Capture />
        </>
      );
    case 'patient':
      return <Patient />;
    case 'history':
      return <History />;
    case 'status':
      return <Status />;
    case 'settings':
      return <Settings />;
  }
}

/** What stands in the way of a capture, or has just gone wrong with one. */
function Faults() {
  const { t } = useWords();
  const { state } = useApp();
  const { fault } = state.flow;
  const worst = state.status.find(
    ({ severity, part }) => severity === 'fault' || (part === 'camera' && severity === 'warning'),
  );
  return (
    <>
      {fault !== null && (
        <Notice severity="fault" title={t(fault.message, { code: fault.code })}>
          {fault.remedy && <p>{t(fault.remedy)}</p>}
        </Notice>
      )}
      {worst !== undefined && fault === null && (
        <div class="standing">
          <Notice severity={worst.severity} title={t(`status.${worst.message}`, worst.values)}>
            {worst.remedy && <p>{t(worst.remedy)}</p>}
          </Notice>
        </div>
      )}
    </>
  );
}

function Top() {
  const { t } = useWords();
  const { state, go } = useApp();
  const { context, status } = state;
  const wrong = status.filter(({ severity }) => severity === 'warning' || severity === 'fault');
  const count = wrong.length + (state.ending === null ? 0 : 1);
  const isFault = state.ending !== null || wrong.some(({ severity }) => severity === 'fault');
  const worst = isFault ? 'fault' : 'warning';
  const who = context.current?.encounter ?? context.current?.subject ?? null;
  const site = context.current?.bodySite ?? null;
  return (
    <header>
      <button type="button" class="chip who" onClick={() => go('patient')}>
        <Line name="patient" />
        <span>
          <span class="unseen">{t('patient.title')}: </span>
          <bdi>{who ?? t('patient.none')}</bdi>
          {site !== null && <span class="chip-site"> · {t(`site.${site}`)}</span>}
        </span>
      </button>
      <button type="button" class={`chip how ${count === 0 ? 'ok' : worst}`} onClick={() => go('status')}>
        <SeverityShape severity={count === 0 ? 'ok' : worst} />
        <span>{count === 0 ? t('app.fine') : t('app.problems', { count })}</span>
      </button>
    </header>
  );
}
