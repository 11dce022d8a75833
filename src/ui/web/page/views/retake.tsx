/** A picture that cannot be read: why, and how to take a better one. */
import type { ComponentChildren } from 'preact';
import type { ScreenReading } from '../../contract.ts';
import { useApp } from '../app-context.ts';
import { useWords } from '../language/language.ts';
import { Action } from '../parts/parts.tsx';
import { ReadPicture, Triage } from './reading.tsx';

/** @param children what can be done, below */
export function Retake({ reading, children }: { reading: ScreenReading; children?: ComponentChildren }) {
  const { t } = useWords();
  return (
    <div class="reading">
      <div class="verdict">
        <Triage shape="retake" />
      </div>
      <div class="reading-body">
        <ReadPicture reading={reading} />
        <ul class="reasons">
          {reading.reasons.map((reason) => (
            <li key={reason}>
              <p class="reason">{t(`retake.${reason}`)}</p>
              <p>{t(`retake.${reason}.how`)}</p>
            </li>
          ))}
        </ul>
      </div>
      {children}
    </div>
  );
}

/** Asks for the next picture at once. */
export function TakeAgain() {
  const { t } = useWords();
  const { ask, may } = useApp();
  return (
    <div class="take">
      <Action
        kind="main"
        icon="again"
        keys="c"
        disabled={!may('capture')}
        onPress={() => void ask({ command: 'capture' })}
      >
        {t('triage.retake')}
      </Action>
    </div>
  );
}
