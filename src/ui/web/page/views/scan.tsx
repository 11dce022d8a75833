/** A code held before the camera that also sees the skin. */
import { useEffect, useState } from 'preact/hooks';
import { useApp } from '../app-context.ts';
import { useWords } from '../language/language.ts';
import { Action, Notice, Sheet } from '../parts/parts.tsx';
import { LivePicture } from './viewfinder.tsx';

export function Scan({
  title,
  onBack,
  onText,
}: {
  title: string;
  onBack: () => void;
  onText: (text: string) => void;
}) {
  const { t } = useWords();
  const { device } = useApp();
  const [attempt, setAttempt] = useState(0);
  const [missed, setMissed] = useState(false);
  // Each attempt is one scan, whatever is drawn anew meanwhile.
  useEffect(() => {
    let isCurrent = true;
    setMissed(false);
    void device.command({ command: 'scan' }).then((reply) => {
      if (!isCurrent) return;
      const text = reply.outcome === 'done' ? reply.data?.text : undefined;
      if (typeof text === 'string') onText(text);
      else setMissed(true);
    });
    return () => {
      isCurrent = false;
      void device.command({ command: 'stop-scan' });
    };
  }, [attempt]);
  return (
    <Sheet title={title} onBack={onBack} className="scan">
      <p class="hint">{t('patient.scan.how')}</p>
      <LivePicture />
      {missed && (
        <Notice severity="warning" title={t('refusal.SCREEN_SCAN_NOTHING')}>
          <Action icon="again" onPress={() => setAttempt(attempt + 1)}>
            {t('remedy.again')}
          </Action>
        </Notice>
      )}
    </Sheet>
  );
}
