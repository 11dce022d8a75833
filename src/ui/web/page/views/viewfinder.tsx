/** Before the press: the live picture, whether it is sharp and lit, and the press itself. */
import type { ComponentChildren } from 'preact';
import { useCallback, useState } from 'preact/hooks';
import { useApp } from '../app-context.ts';
import type { FrameCues, FrameNews } from '../device/frames.ts';
import { useWords } from '../language/language.ts';
import type { MessageKey } from '../language/messages.ts';
import { SeverityShape } from '../parts/icons.tsx';
import { Action } from '../parts/parts.tsx';
import { LiveCanvas } from '../parts/picture.tsx';

/** @param children what stands by the press */
export function Viewfinder({ children }: { children?: ComponentChildren }) {
  const { t } = useWords();
  const { state, ask, may } = useApp();
  const [pressed, setPressed] = useState(false);
  const busy = pressed || state.flow.state === 'capturing' || state.flow.state === 'reading';
  const take = async (): Promise<void> => {
    setPressed(true);
    await ask({ command: 'capture' });
    setPressed(false);
  };
  return (
    <section class="viewfinder" aria-labelledby="viewfinder">
      <h1 class="unseen" id="viewfinder">
        {t('viewfinder.title')}
      </h1>
      <LivePicture frozen={busy} />
      <div class="take">
        <Action
          kind="main"
          icon="capture"
          keys="c"
          disabled={busy || !may('capture')}
          onPress={() => void take()}
        >
          {busyWords(state.flow.state, pressed, t)}
        </Action>
      </div>
      {children}
    </section>
  );
}

function busyWords(flow: string, pressed: boolean, t: (key: MessageKey) => string): string {
  if (flow === 'reading') return t('viewfinder.reading');
  return flow === 'capturing' || pressed ? t('viewfinder.taking') : t('viewfinder.take');
}

/** The picture with its cue; frozen, it is that which was taken. */
export function LivePicture({ frozen = false }: { frozen?: boolean }) {
  const { t } = useWords();
  const { state, may } = useApp();
  const [news, setNews] = useState<FrameNews | null>(null);
  const tell = useCallback(
    (next: FrameNews) => setNews((before) => (saysTheSame(before, next) ? before : next)),
    [],
  );
  if (!may('pixels')) return <Blank title={t('viewfinder.blank')} why={t('app.pixels')} />;
  const isDemonstration = state.source === 'phantom' || state.source === 'replay';
  if (isDemonstration && state.viewfinder.state === 'absent') {
    return <Blank title={t('app.demonstration')} why={t('status.camera.demonstration')} />;
  }
  const isBlank = news?.kind === 'blank' && !frozen;
  return (
    <div class="stage">
      <div class="picture">
        <LiveCanvas
          live={!frozen && !state.display.blank}
          label={frozen ? t('viewfinder.frozen') : t('viewfinder.live')}
          onNews={tell}
        />
        {isBlank && (
          <div class="blank-over">
            <BlankWords
              title={t('viewfinder.blank')}
              why={t(WHY[news.why])}
              how={t('viewfinder.blank.how')}
            />
          </div>
        )}
      </div>
      <Cue news={news} frozen={frozen} />
    </div>
  );
}

const WHY = {
  FRAME_STALE: 'viewfinder.blank.stale',
  FRAME_ABSENT: 'viewfinder.blank.absent',
  FRAME_UNREADABLE: 'viewfinder.blank.unreadable',
} as const;

function Cue({ news, frozen }: { news: FrameNews | null; frozen: boolean }) {
  const { t } = useWords();
  if (!frozen && news?.kind === 'blank') return null;
  if (frozen || news?.kind !== 'live') {
    return (
      <p class="cue none" role="status">
        <span>{frozen ? t('viewfinder.frozen') : t('viewfinder.circle')}</span>
      </p>
    );
  }
  const cue = cueOf(news.cues);
  const isGood = cue === 'viewfinder.cue.good';
  return (
    <p class={`cue ${isGood ? 'good' : 'bad'}`} role="status">
      <SeverityShape severity={isGood ? 'ok' : 'warning'} />
      <span>{t(cue)}</span>
    </p>
  );
}

/** Light comes first: a dark picture is never sharp. */
function cueOf({ focus, exposure }: FrameCues) {
  if (exposure !== 'good') return `viewfinder.cue.${exposure}` as const;
  return focus < 1 ? 'viewfinder.cue.focus' : 'viewfinder.cue.good';
}

/** Whether what is said beside the picture would stay the same: then nothing but the picture changes. */
function saysTheSame(before: FrameNews | null, next: FrameNews): boolean {
  if (before?.kind === 'live' && next.kind === 'live') return cueOf(before.cues) === cueOf(next.cues);
  return before?.kind === 'blank' && next.kind === 'blank' && before.why === next.why;
}

function Blank({ title, why }: { title: string; why: string }) {
  return (
    <div class="stage">
      <div class="picture empty">
        <BlankWords title={title} why={why} />
      </div>
    </div>
  );
}

function BlankWords({ title, why, how }: { title: string; why: string; how?: string }) {
  return (
    <div class="blank-words" role="status">
      <p class="blank-title">{title}</p>
      <p>{why}</p>
      {how && <p>{how}</p>}
    </div>
  );
}
