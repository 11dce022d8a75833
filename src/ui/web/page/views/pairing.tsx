/** A screen that the device does not know yet: a code that the device shows makes them known to each other. */
import { useState } from 'preact/hooks';
import type { Device } from '../device/device.ts';
import { useWords } from '../language/language.ts';
import { Keypad } from '../parts/keypad.tsx';
import { Heading, Notice } from '../parts/parts.tsx';

export function Pairing({ device }: { device: Device }) {
  const { t } = useWords();
  const [wrong, setWrong] = useState(false);
  const pair = async (code: string): Promise<void> => {
    const reply = await device.pair(code);
    setWrong(reply.outcome !== 'done');
  };
  return (
    <main class="pairing" id="content">
      <Heading>{t('app.pair')}</Heading>
      {wrong && <Notice severity="warning" title={t('refusal.SCREEN_CODE_WRONG')} />}
      <Keypad
        layout="digits"
        label={t('app.pair.how')}
        longest={16}
        done={() => t('app.pair.go')}
        isComplete={(text) => text.length >= 6}
        onDone={(code) => void pair(code)}
      />
    </main>
  );
}
