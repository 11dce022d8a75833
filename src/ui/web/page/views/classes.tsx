import type { ScreenReading } from '../../contract.ts';
import { useApp } from '../app-context.ts';
import { useWords } from '../language/language.ts';

/** Bars of the most probable classes; where none is likely enough to be named, that comes first and as large. */
export function Classes({ reading, shown }: { reading: ScreenReading; shown: number }) {
  const { t, share, className } = useWords();
  const { state } = useApp();
  const riskOf = (code: string) => state.classes.find((each) => each.code === code)?.risk ?? 'unknown';
  return (
    <>
      {shown < reading.probabilities.length && <h2>{t('reading.classes')}</h2>}
      <ul class="classes">
        {reading.diagnosis === 'indeterminate' && (
          <li class="class named indeterminate">
            <span class="class-name">{t('reading.noClass')}</span>
          </li>
        )}
        {reading.probabilities.slice(0, shown).map(({ code, probability }) => (
          <li key={code} class={`class ${code === reading.diagnosis ? 'named' : ''}`}>
            <span class="class-name">
              {className(code, state.classes)} <span class="risk">{t(`reading.risk.${riskOf(code)}`)}</span>
            </span>
            <span class="class-share">{share(probability)}</span>
            <span class="bar" aria-hidden="true">
              <span class={`fill ${riskOf(code)}`} style={{ inlineSize: `${100 * probability}%` }} />
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
