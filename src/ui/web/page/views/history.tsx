/** Readings of this device, newest first, by session; never with pictures, which nothing keeps. */
import { useEffect, useState } from 'preact/hooks';
import type { HistoryEntry, HistoryPage } from '../../contract.ts';
import { useApp } from '../app-context.ts';
import { useWords } from '../language/language.ts';
import { Line, TriageShape } from '../parts/icons.tsx';
import { Keypad } from '../parts/keypad.tsx';
import { Action, Heading, Sheet } from '../parts/parts.tsx';

export function History() {
  const { t } = useWords();
  const { device, state, ask, may } = useApp();
  const [find, setFind] = useState('');
  const [searching, setSearching] = useState(false);
  const [page, setPage] = useState<HistoryPage | null>(null);
  const newest = state.reading?.result;
  // A new reading is to be seen.
  useEffect(() => {
    let isCurrent = true;
    void device.history(find, null).then((answer) => isCurrent && setPage(answer));
    return () => {
      isCurrent = false;
    };
  }, [device, find, newest]);
  const more = async (): Promise<void> => {
    const older = page?.next == null ? null : await device.history(find, page.next);
    if (page !== null && older !== null) setPage({ ...older, entries: [...page.entries, ...older.entries] });
  };
  if (searching) {
    return (
      <Sheet title={t('history.find')} onBack={() => setSearching(false)}>
        <Keypad
          layout="identifier"
          label={t('history.find.label')}
          longest={64}
          start={find}
          done={() => t('history.find')}
          isComplete={() => true}
          onDone={(text) => {
            // What was found for other words says nothing of these.
            if (text !== find) setPage(null);
            setFind(text);
            setSearching(false);
          }}
        />
      </Sheet>
    );
  }
  return (
    <section class="history" aria-labelledby="history">
      <Heading id="history">{t('history.title')}</Heading>
      <div class="row">
        <Action icon="search" onPress={() => setSearching(true)}>
          {find === '' ? t('history.find') : find}
        </Action>
        {find !== '' && (
          <Action icon="close" onPress={() => setFind('')}>
            {t('history.find.clear')}
          </Action>
        )}
      </div>
      {may('teach') && state.learning.undoable !== null && (
        <Action icon="undo" keys="u" onPress={() => void ask({ command: 'undo' })}>
          {t('teach.undo')}
        </Action>
      )}
      <p class="hint">{t('history.noImages')}</p>
      {page !== null && page.entries.length === 0 && (
        <p role="status">{find === '' ? t('history.empty') : t('history.find.none', { text: find })}</p>
      )}
      {sessionsOf(page?.entries ?? []).map((entries) => (
        <Session key={entries[0].session} entries={entries} />
      ))}
      {page?.next != null && <Action onPress={() => void more()}>{t('history.more')}</Action>}
    </section>
  );
}

/** Neighbours of one session together. */
function sessionsOf(entries: readonly HistoryEntry[]): HistoryEntry[][] {
  const sessions: HistoryEntry[][] = [];
  for (const entry of entries) {
    const last = sessions.at(-1);
    if (last?.[0].session === entry.session) last.push(entry);
    else sessions.push([entry]);
  }
  return sessions;
}

function Session({ entries }: { entries: readonly HistoryEntry[] }) {
  const { t, day, time } = useWords();
  const first = entries.at(-1) ?? entries[0];
  const identifier = entries.map(({ context }) => context?.encounter ?? context?.subject).find(Boolean);
  return (
    <section class="session">
      <h2>
        {t('history.session', { time: `${day(first.capturedAt)}, ${time(first.capturedAt)}` })}
        <span class="small">
          {' '}
          {identifier
            ? t('history.patient', { text: identifier })
            : t('history.readings', { count: entries.length })}
        </span>
      </h2>
      <ul class="entries">
        {entries.map((entry) => (
          <Entry key={entry.result} entry={entry} />
        ))}
      </ul>
    </section>
  );
}

function Entry({ entry }: { entry: HistoryEntry }) {
  const { t, time, share, className } = useWords();
  const { state } = useApp();
  const shape = entry.accepted ? (entry.triage ?? 'none') : 'retake';
  const isNamed = entry.accepted && entry.diagnosis !== 'indeterminate';
  const { verdict, context } = entry;
  return (
    <li class={`entry ${shape}`}>
      <TriageShape shape={shape} />
      <div class="entry-text">
        <p>
          <strong>{t(`triage.${shape}`)}</strong> <span class="small">{time(entry.capturedAt)}</span>
        </p>
        <p>
          {isNamed && className(entry.diagnosis, state.classes)}
          {isNamed && entry.probability !== null && ` ${share(entry.probability)}`}
          {entry.accepted && !isNamed && t('reading.noClass')}
          {!entry.accepted && entry.reasons.map((reason) => t(`retake.${reason}`)).join(' ')}
        </p>
        {context?.bodySite != null && <p class="small">{t(`site.${context.bodySite}`)}</p>}
        {verdict !== null && verdict.verdict !== 'withdrawn' && (
          <p class="small">{t('history.label', { label: className(verdict.label, state.classes) })}</p>
        )}
        {verdict?.verdict === 'withdrawn' && <p class="small">{t('teach.undone')}</p>}
      </div>
      <p class={`outbox ${entry.outbox}`}>
        <Line name={entry.outbox} />
        <span>{t(`history.${entry.outbox}`)}</span>
      </p>
    </li>
  );
}
