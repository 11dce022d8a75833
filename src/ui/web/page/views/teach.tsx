/** The question under a reading: is it right, and if not, what is it. */
import { useState } from 'preact/hooks';
import type { ScreenReading } from '../../contract.ts';
import { useApp } from '../app-context.ts';
import { useWords } from '../language/language.ts';
import { Keypad } from '../parts/keypad.tsx';
import { Action, Choice, Sheet } from '../parts/parts.tsx';

/** A letter, then letters, digits and hyphens, as the device demands. */
const CODE = /^[A-Za-z][A-Za-z0-9-]{0,62}$/;

export function Teach({ reading, onWhich }: { reading: ScreenReading; onWhich: () => void }) {
  const { t, className } = useWords();
  const { state, ask } = useApp();
  const { result } = reading;
  const { proposed } = state.flow;
  return (
    <fieldset class="teach">
      <legend>{t('teach.question')}</legend>
      {proposed !== null && (
        <Action kind="main" keys="y" onPress={() => void ask({ command: 'confirm', result })}>
          {t('teach.confirm', { label: className(proposed, state.classes) })}
        </Action>
      )}
      <div class="row">
        {proposed !== null && state.classes.length > 1 && (
          <Action keys="n" onPress={() => void ask({ command: 'next-label', result })}>
            {t('teach.next')}
          </Action>
        )}
        <Action onPress={onWhich}>{t('teach.correct')}</Action>
        <Action keys="u" onPress={() => void ask({ command: 'dismiss' })}>
          {t('teach.skip')}
        </Action>
      </div>
    </fieldset>
  );
}

/** All classes to choose from, and the way to a new one. */
export function Which({ reading, onBack }: { reading: ScreenReading; onBack: () => void }) {
  const { t, className } = useWords();
  const { state, ask } = useApp();
  const [isNew, setNew] = useState(false);
  const { result } = reading;
  if (isNew) return <NewClass result={result} onBack={() => setNew(false)} />;
  return (
    <Sheet title={t('teach.which')} onBack={onBack}>
      <p class="hint">{t('teach.which.how')}</p>
      <ul class="labels">
        {state.classes.map(({ code, risk }) => (
          <li key={code}>
            <Action onPress={() => void ask({ command: 'correct', result, label: code })}>
              {className(code, state.classes)} <span class="risk">{t(`reading.risk.${risk}`)}</span>
            </Action>
          </li>
        ))}
        <li>
          <Action kind="quiet" onPress={() => setNew(true)}>
            {t('teach.new')}
          </Action>
        </li>
      </ul>
    </Sheet>
  );
}

const RISKS = ['malignant', 'premalignant', 'benign', 'unknown'] as const;
type ChosenRisk = (typeof RISKS)[number];

function NewClass({ result, onBack }: { result: string; onBack: () => void }) {
  const { t } = useWords();
  const { ask } = useApp();
  const [label, setLabel] = useState<string | null>(null);
  const [risk, setRisk] = useState<ChosenRisk>('unknown');
  const add = (code: string): void =>
    void ask({ command: 'add-class', result, label: code, ...(risk !== 'unknown' && { risk }) });
  const options = RISKS.map((value) => ({ value, text: t(`reading.risk.${value}`) }));
  return (
    <Sheet title={t('teach.new.title')} onBack={label === null ? onBack : () => setLabel(null)}>
      {label === null ? (
        <Keypad
          layout="code"
          label={t('teach.new.code')}
          hint={t('teach.new.code.how')}
          longest={63}
          done={() => t('app.next')}
          isComplete={(text) => CODE.test(text)}
          onDone={setLabel}
        />
      ) : (
        <>
          <Choice label={t('teach.new.risk')} value={risk} options={options} onChoose={setRisk} />
          <p class="hint">{t('teach.new.risk.how')}</p>
          <Action kind="main" onPress={() => add(label)}>
            {t('teach.new.add', { label })}
          </Action>
        </>
      )}
    </Sheet>
  );
}
