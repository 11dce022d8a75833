/** The answer to a capture: what to do first, then what it may be, then how sure that is. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { SaliencyOverlay, ScreenReading } from '../../contract.ts';
import { useApp } from '../app-context.ts';
import { useWords } from '../language/language.ts';
import { type Shape, TriageShape } from '../parts/icons.tsx';
import { Action, Notice, Sheet } from '../parts/parts.tsx';
import { FrozenCanvas } from '../parts/picture.tsx';
import { Classes } from './classes.tsx';
import { Meaning } from './meaning.tsx';

/** Classes that are shown at once. */
const SHOWN = 3;

/** @param children what can be done with it, below */
export function Reading({ reading, children }: { reading: ScreenReading; children?: ComponentChildren }) {
  const { t } = useWords();
  const [sheet, setSheet] = useState<'meaning' | 'classes' | null>(null);
  const onBack = (): void => setSheet(null);
  if (sheet === 'meaning') return <Meaning reading={reading} onBack={onBack} />;
  if (sheet === 'classes') {
    return (
      <Sheet title={t('reading.more')} onBack={onBack}>
        <Classes reading={reading} shown={reading.probabilities.length} />
      </Sheet>
    );
  }
  return (
    <div class="reading">
      <div class="verdict">
        <Triage shape={reading.triage ?? 'none'} />
        {reading.unfamiliar && <Notice severity="warning" title={t('reading.unfamiliar')} />}
      </div>
      <div class="reading-body">
        <ReadPicture reading={reading} />
        <div class="reading-classes">
          <Classes reading={reading} shown={SHOWN} />
        </div>
      </div>
      <div class="row more">
        <Action kind="quiet" expanded={false} onPress={() => setSheet('meaning')}>
          {t('reading.sure')}
          {reading.confidence && <strong> {t(`reading.confidence.${reading.confidence}`)}</strong>}
        </Action>
        {reading.probabilities.length > SHOWN && (
          <Action kind="quiet" expanded={false} onPress={() => setSheet('classes')}>
            {t('reading.more')}
          </Action>
        )}
      </div>
      {children}
    </div>
  );
}

/** What to do: a shape, a word, a sentence, and a colour that nobody needs. */
export function Triage({ shape }: { shape: Shape }) {
  const { t } = useWords();
  return (
    <div class={`triage ${shape}`} role="status">
      <TriageShape shape={shape} />
      <div>
        <h1 class="triage-word">{t(`triage.${shape}`)}</h1>
        <p class="triage-how">{t(`triage.${shape}.how`)}</p>
      </div>
    </div>
  );
}

export function ReadPicture({ reading }: { reading: ScreenReading }) {
  const { t } = useWords();
  const { device, may } = useApp();
  const [overlay, setOverlay] = useState<SaliencyOverlay | null>(null);
  // What was drawn over another picture is taken away.
  useEffect(() => setOverlay(null), [reading.result]);
  if (!reading.hasFrozenFrame || !may('pixels')) return null;
  const toggle = async (): Promise<void> => {
    if (overlay !== null) return setOverlay(null);
    const answer = await device.saliency();
    if (answer?.result === reading.result) setOverlay(answer);
  };
  return (
    <div class="read-picture">
      <div class="picture">
        <FrozenCanvas result={reading.result} label={t('viewfinder.frozen')} overlay={overlay} />
      </div>
      {reading.hasSaliency && (
        <Action kind="quiet" pressed={overlay !== null} onPress={() => void toggle()}>
          {t('reading.overlay')}
        </Action>
      )}
    </div>
  );
}
