/** Other screens that may show what this device reads. */
import { useState } from 'preact/hooks';
import { useApp } from '../app-context.ts';
import { useWords } from '../language/language.ts';
import { Action } from '../parts/parts.tsx';

const OFFERED = ['clinician', 'observer'] as const;

export function Screens() {
  const { t, day } = useWords();
  const { state, ask } = useApp();
  const [code, setCode] = useState<string | null>(null);
  const pair = async (role: (typeof OFFERED)[number]): Promise<void> => {
    const reply = await ask({ command: 'pair', role });
    if (reply.outcome === 'done' && typeof reply.data?.code === 'string') setCode(reply.data.code);
  };
  return (
    <fieldset class="choice">
      <legend>{t('settings.pair')}</legend>
      {code === null ? (
        <div class="choice-options">
          {OFFERED.map((role) => (
            <Action key={role} onPress={() => void pair(role)}>
              {t(`settings.pair.${role}`)}
            </Action>
          ))}
        </div>
      ) : (
        <div role="status">
          <p class="pairing-code" dir="ltr">
            {code}
          </p>
          <p>{t('settings.pair.how')}</p>
        </div>
      )}
      <ul class="labels">
        {state.settings.paired
          .filter(({ role }) => role !== 'display')
          .map(({ id, role, since }) => (
            <li key={id} class="paired">
              <span>
                {role === 'display' ? '' : t(`settings.pair.${role}`)} · {day(since)}
              </span>
              <Action icon="close" onPress={() => void ask({ command: 'unpair', id })}>
                {t('patient.clear')}
              </Action>
            </li>
          ))}
      </ul>
    </fieldset>
  );
}
