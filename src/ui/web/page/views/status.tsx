/** How each part of the device is, what is wrong with it, and what somebody can do. */
import type { StatusItem } from '../../contract.ts';
import { SEVERITIES } from '../../words.ts';
import { useApp } from '../app-context.ts';
import { useWords } from '../language/language.ts';
import { SeverityShape } from '../parts/icons.tsx';
import { Heading } from '../parts/parts.tsx';

/** Whatever is worst comes first. */
function bySeverity(one: StatusItem, other: StatusItem): number {
  return SEVERITIES.indexOf(other.severity) - SEVERITIES.indexOf(one.severity);
}

export function Status() {
  const { t } = useWords();
  const { state, version } = useApp();
  const wrong = state.status.filter(({ severity }) => severity === 'warning' || severity === 'fault');
  return (
    <section class="status" aria-labelledby="status">
      <Heading id="status">{t('status.title')}</Heading>
      <p class="lead">{wrong.length === 0 ? t('status.fine') : t('app.problems', { count: wrong.length })}</p>
      <ul class="items">
        {state.status.toSorted(bySeverity).map((item) => (
          <Item key={item.part} item={item} />
        ))}
      </ul>
      <p class="small">
        {t('settings.device')} <bdi>{state.device}</bdi> · {t('settings.version', { version })}
      </p>
    </section>
  );
}

function Item({ item }: { item: StatusItem }) {
  const { t } = useWords();
  return (
    <li class={`item ${item.severity}`}>
      <SeverityShape severity={item.severity} />
      <div>
        <h2>
          {t(`status.part.${item.part}`)} <span class="small">{t(`status.severity.${item.severity}`)}</span>
        </h2>
        <p>{t(`status.${item.message}`, item.values)}</p>
        {item.remedy && (
          <p class="remedy">
            <strong>{t('app.todo')}:</strong> {t(item.remedy)}
          </p>
        )}
        {item.code && <p class="small code">{item.code}</p>}
      </div>
    </li>
  );
}
