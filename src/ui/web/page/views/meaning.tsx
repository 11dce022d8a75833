/** What the figures of a reading mean, and how often this model was right before it came here. */
import type { ScreenReading, ScreenState } from '../../contract.ts';
import { useApp } from '../app-context.ts';
import { useWords } from '../language/language.ts';
import { Sheet } from '../parts/parts.tsx';

export function Meaning({ reading, onBack }: { reading: ScreenReading; onBack: () => void }) {
  const { t, share } = useWords();
  const { state } = useApp();
  const { model } = state;
  return (
    <Sheet title={t('reading.sure')} onBack={onBack} className="meaning">
      {reading.malignancy !== null && (
        <p class="lead">{t('reading.sure.malignancy', { share: share(reading.malignancy) })}</p>
      )}
      {reading.unfamiliar && <p class="lead">{t('reading.unfamiliar')}</p>}
      {model.triage === null ? <p>{t('reading.sure.none')}</p> : <Figures triage={model.triage} />}
      <p>{t('reading.sure.limits')}</p>
      <p class="small">{t('reading.sure.model', { name: model.name, version: model.version })}</p>
      {model.learned && <p class="small">{t('reading.sure.learned')}</p>}
    </Sheet>
  );
}

function Figures({ triage }: { triage: NonNullable<ScreenState['model']['triage']> }) {
  const { t, measured, className } = useWords();
  const { state } = useApp();
  const { sensitivity, specificity, watchedSensitivity, watchedClass, lesions } = triage;
  const found = Math.round(100 * sensitivity.value);
  const interval = ({ value, low, high }: typeof sensitivity) =>
    t('reading.interval', { share: measured(value), low: measured(low), high: measured(high) });
  return (
    <>
      <p>{t('reading.sure.found', { found, missed: 100 - found })}</p>
      <p>{t('reading.sure.left', { left: Math.round(100 * specificity.value) })}</p>
      <dl class="figures">
        <dt>{t('reading.sensitivity')}</dt>
        <dd>{interval(sensitivity)}</dd>
        {watchedSensitivity !== null && watchedClass !== null && (
          <>
            <dt>{t('reading.sensitivity.of', { label: className(watchedClass, state.classes) })}</dt>
            <dd>{interval(watchedSensitivity)}</dd>
          </>
        )}
        <dt>{t('reading.specificity')}</dt>
        <dd>{interval(specificity)}</dd>
      </dl>
      <p class="small">{t('reading.sure.from', { lesions: lesions.malignant })}</p>
    </>
  );
}
