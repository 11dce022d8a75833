/** The way of one capture, as the device's own flow has it: aim, read, answer. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ScreenReading } from '../../contract.ts';
import { useApp } from '../app-context.ts';
import { useWords } from '../language/language.ts';
import { TriageShape } from '../parts/icons.tsx';
import { Action, Heading, Notice } from '../parts/parts.tsx';
import { Outcome, OutcomeFigures } from './outcome.tsx';
import { Reading } from './reading.tsx';
import { Retake, TakeAgain } from './retake.tsx';
import { Teach, Which } from './teach.tsx';
import { Viewfinder } from './viewfinder.tsx';

export function Capture() {
  const { t } = useWords();
  const { state } = useApp();
  const { flow, reading } = state;
  switch (flow.state) {
    case 'capturing':
    case 'reading':
      // One capture after the other: the last reading stays until the next is there.
      return flow.automatic && reading !== null ? <Shown reading={reading} /> : <Viewfinder />;
    case 'retake':
      return reading === null ? <Viewfinder /> : <AskedAgain reading={reading} />;
    case 'awaitingConfirmation':
      return reading === null ? <Viewfinder /> : <Asked key={reading.result} reading={reading} />;
    case 'confirmingUndo':
      return <UndoQuestion />;
    case 'learning':
      return <Busy words={t('teach.learning')} reading={reading} />;
    case 'undoing':
      return <Busy words={t('teach.undoing')} reading={reading} />;
    case 'idle':
      return flow.automatic && reading !== null ? <Shown reading={reading} /> : <Idle />;
  }
}

/** Where nothing is asked. */
function Shown({ reading, children }: { reading: ScreenReading; children?: ComponentChildren }) {
  const View = reading.accepted ? Reading : Retake;
  return <View reading={reading}>{children}</View>;
}

function AskedAgain({ reading }: { reading: ScreenReading }) {
  return (
    <Retake reading={reading}>
      <TakeAgain />
    </Retake>
  );
}

function Asked({ reading }: { reading: ScreenReading }) {
  const { may } = useApp();
  const [choosing, setChoosing] = useState(false);
  if (choosing) return <Which reading={reading} onBack={() => setChoosing(false)} />;
  return (
    <Reading reading={reading}>
      {may('teach') && <Teach reading={reading} onWhich={() => setChoosing(true)} />}
    </Reading>
  );
}

function Busy({ words, reading }: { words: string; reading: ScreenReading | null }) {
  const busy = (
    <p class="busy" role="status">
      {words}
    </p>
  );
  return reading?.accepted ? <Reading reading={reading}>{busy}</Reading> : busy;
}

function Idle() {
  const { state } = useApp();
  const { last } = state.learning;
  const [closed, setClosed] = useState<string | null>(null);
  const [opened, setOpened] = useState(false);
  const [figures, setFigures] = useState(false);
  const { reading } = state;
  const mark = last === null ? null : `${last.result} ${last.outcome} ${last.label}`;
  // Another reading is not the one that was opened.
  useEffect(() => setOpened(false), [reading?.result]);
  if (opened && reading !== null) return <Reopened reading={reading} onClose={() => setOpened(false)} />;
  if (figures && last !== null) return <OutcomeFigures outcome={last} onBack={() => setFigures(false)} />;
  return (
    <>
      {last !== null && mark !== closed && (
        <Outcome outcome={last} onClose={() => setClosed(mark)} onFigures={() => setFigures(true)} />
      )}
      <Viewfinder>
        {reading !== null && <LastReading reading={reading} onOpen={() => setOpened(true)} />}
      </Viewfinder>
    </>
  );
}

/** What the last capture said, small, while the next is aimed. */
function LastReading({ reading, onOpen }: { reading: ScreenReading; onOpen: () => void }) {
  const { t, className } = useWords();
  const { state } = useApp();
  const shape = reading.accepted ? (reading.triage ?? 'none') : 'retake';
  const isNamed = reading.probabilities.some(({ code }) => code === reading.diagnosis);
  return (
    <button type="button" class={`last triage ${shape}`} onClick={onOpen}>
      <TriageShape shape={shape} />
      <span>
        <span class="last-what">{t('reading.last')}</span>
        <strong>{t(`triage.${shape}`)}</strong>
        {isNamed && <span class="last-name"> · {className(reading.diagnosis, state.classes)}</span>}
      </span>
    </button>
  );
}

function Reopened({ reading, onClose }: { reading: ScreenReading; onClose: () => void }) {
  const { t } = useWords();
  return (
    <Shown reading={reading}>
      <div class="take">
        <Action kind="main" icon="capture" onPress={onClose}>
          {t('reading.again')}
        </Action>
      </div>
    </Shown>
  );
}

function UndoQuestion() {
  const { t, className } = useWords();
  const { state, ask } = useApp();
  const label = state.flow.takingBack;
  const title =
    label === null
      ? t('teach.undo.questionPlain')
      : t('teach.undo.question', { label: className(label, state.classes) });
  return (
    <section class="question">
      <Heading>{title}</Heading>
      <Notice severity="notice" title={t('teach.undo.how')} />
      <Action kind="danger" icon="undo" keys="u" onPress={() => void ask({ command: 'undo' })}>
        {t('teach.undo.go')}
      </Action>
      <Action keys="y n" onPress={() => void ask({ command: 'dismiss' })}>
        {t('teach.undo.keep')}
      </Action>
    </section>
  );
}
