/** A picture that cannot be read: why, and how to take a better one. */
import type { ScreenReading } from '../../contract.ts';
import { useApp } from '../app-context.ts';
import { useWords } from '../language/language.ts';
import { Action } from '../parts/parts.tsx';
import { ReadPicture, Triage } from './reading.tsx';

/** @param offers whether the next picture is asked for here; else something below does */
export function Retake({ reading, offers = true }: { reading: ScreenReading; offers?: boolean }) {
  const { t } = useWords();
  const { ask, may } = useApp();
  return (
    <div class="reading">
      <Triage shape="retake" />
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
      {offers && (
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
      )}
    </div>
  );
}
