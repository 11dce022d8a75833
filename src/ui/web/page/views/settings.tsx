/**
 * The few things that a clinic may set on the device itself. The language is anybody's to choose, the rest needs the PIN.
 */
import { useState } from 'preact/hooks';
import { LANGUAGES, THEMES } from '../../words.ts';
import { useApp } from '../app-context.ts';
import { OWN_NAMES, useLanguageChoice, useWords } from '../language/language.ts';
import { Keypad } from '../parts/keypad.tsx';
import { Action, Choice, Heading, Notice, Sheet } from '../parts/parts.tsx';
import { Screens } from './screens.tsx';

const PIN = /^\d{4,12}$/;
const MINUTES = [2, 5, 10, 30, 0];

export function Settings() {
  const { t } = useWords();
  const { state, may, shortcuts } = useApp();
  const [sheet, setSheet] = useState<'unlock' | 'change' | null>(null);
  const choose = useLanguageChoice();
  const { code } = useWords();
  const isUnlocked = state.settings.unlockedUntil !== null;
  if (sheet !== null) return <Pin purpose={sheet} onBack={() => setSheet(null)} />;
  return (
    <section class="settings" aria-labelledby="settings">
      <Heading id="settings">{t('settings.title')}</Heading>
      <Choice
        label={t('settings.language')}
        value={code}
        options={LANGUAGES.map((each) => ({ value: each, text: OWN_NAMES[each], lang: each }))}
        onChoose={choose}
      />
      <Choice
        label={t('settings.shortcuts')}
        value={shortcuts.on ? 'on' : 'off'}
        options={(['on', 'off'] as const).map((value) => ({ value, text: t(`settings.shortcuts.${value}`) }))}
        onChoose={(value) => shortcuts.set(value === 'on')}
      />
      <p class="hint">{t('settings.shortcuts.how')}</p>
      {may('settings') &&
        (isUnlocked ? (
          <Unlocked onChange={() => setSheet('change')} />
        ) : (
          <Locked onUnlock={() => setSheet('unlock')} />
        ))}
    </section>
  );
}

function Locked({ onUnlock }: { onUnlock: () => void }) {
  const { t, time } = useWords();
  const { waitUntil } = useApp().state.settings;
  return (
    <div class="field-box">
      <h2>{t('settings.locked')}</h2>
      {waitUntil !== null && (
        <Notice severity="warning" title={t('settings.wait', { time: time(waitUntil) })} />
      )}
      <Action kind="main" icon="lock" onPress={onUnlock}>
        {t('settings.unlock')}
      </Action>
    </div>
  );
}

function Unlocked({ onChange }: { onChange: () => void }) {
  const { t } = useWords();
  const { state, ask } = useApp();
  const { theme, blankAfter } = state.display;
  const minutes = MINUTES.includes(blankAfter) ? MINUTES : [blankAfter, ...MINUTES];
  return (
    <>
      <Choice
        label={t('settings.theme')}
        value={theme}
        options={THEMES.map((value) => ({ value, text: t(`settings.theme.${value}`) }))}
        onChoose={(value) => void ask({ command: 'set', setting: { name: 'theme', value } })}
      />
      <Choice
        label={t('settings.idle')}
        value={blankAfter}
        options={minutes.map((value) => ({ value, text: t('settings.idle.minutes', { minutes: value }) }))}
        onChoose={(value) => void ask({ command: 'set', setting: { name: 'blankAfter', value } })}
      />
      <Choice
        label={t('settings.automatic')}
        value={state.flow.automatic ? 'on' : 'off'}
        options={(['on', 'off'] as const).map((value) => ({ value, text: t(`settings.automatic.${value}`) }))}
        onChoose={(value) =>
          void ask({ command: 'set', setting: { name: 'automatic', value: value === 'on' } })
        }
      />
      <Screens />
      <div class="row">
        <Action onPress={onChange}>{t('settings.pin.change')}</Action>
        <Action icon="lock" onPress={() => void ask({ command: 'lock' })}>
          {t('settings.lock')}
        </Action>
      </div>
    </>
  );
}

/** A PIN that is chosen is typed twice: one that was mistyped locks everybody out. */
function Pin({ purpose, onBack }: { purpose: 'unlock' | 'change'; onBack: () => void }) {
  const { t } = useWords();
  const { state, ask } = useApp();
  const isChosen = purpose === 'change' || state.settings.pin === 'unset';
  const [first, setFirst] = useState<string | null>(null);
  const [attempt, setAttempt] = useState(0);
  const [differs, setDiffers] = useState(false);
  const done = async (pin: string): Promise<void> => {
    if (isChosen && first === null) {
      setDiffers(false);
      return setFirst(pin);
    }
    if (isChosen && pin !== first) {
      setDiffers(true);
      return setFirst(null);
    }
    const reply = await ask({ command: purpose === 'change' ? 'set-pin' : 'unlock', pin });
    if (reply.outcome === 'done') onBack();
    else setAttempt(attempt + 1);
  };
  const chosen = first === null ? t('settings.pin.first') : t('settings.pin.again');
  return (
    <Sheet title={t('settings.pin')} onBack={onBack}>
      {differs && <Notice severity="warning" title={t('settings.pin.differs')} />}
      <Keypad
        key={`${attempt} ${first}`}
        layout="digits"
        label={isChosen ? chosen : t('settings.pin.type')}
        longest={12}
        hidden
        done={() => (isChosen ? t('app.next') : t('settings.unlock'))}
        isComplete={(text) => PIN.test(text)}
        onDone={(pin) => void done(pin)}
      />
    </Sheet>
  );
}
