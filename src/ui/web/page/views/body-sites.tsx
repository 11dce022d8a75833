/** Choosing a place of the body on a drawing, or from a list that says the same. */
import { useState } from 'preact/hooks';
import { BODY_SITES, type BodySite } from '../../words.ts';
import { useWords } from '../language/language.ts';
import { MAP, REGIONS, type Side, SMALL_HEAD } from '../parts/body-regions.ts';
import { Action, Sheet } from '../parts/parts.tsx';

export function BodySites(props: {
  readonly chosen: BodySite | null;
  readonly onChoose: (site: BodySite) => void;
  readonly onBack: () => void;
}) {
  const { t } = useWords();
  const [shown, setShown] = useState<Side | 'list'>(sideOf(props.chosen));
  return (
    <Sheet title={t('patient.site')} onBack={props.onBack} className="sites">
      <div class="row">
        {(['front', 'back', 'list'] as const).map((each) => (
          <Action key={each} pressed={each === shown} onPress={() => setShown(each)}>
            {t(`patient.site.${each}`)}
          </Action>
        ))}
      </div>
      <p class="hint">{t('patient.site.hint')}</p>
      {shown === 'list' ? <List {...props} /> : <BodyMap side={shown} {...props} />}
    </Sheet>
  );
}

/** Where a place is drawn; what is drawn on neither side begins with the front. */
function sideOf(chosen: BodySite | null): Side {
  return REGIONS.back.some(({ site }) => site === chosen) &&
    !REGIONS.front.some(({ site }) => site === chosen)
    ? 'back'
    : 'front';
}

interface Choosing {
  readonly chosen: BodySite | null;
  readonly onChoose: (site: BodySite) => void;
}

function BodyMap({ side, chosen, onChoose }: Choosing & { side: Side }) {
  const { t } = useWords();
  const [pointed, setPointed] = useState<BodySite | null>(null);
  const named = pointed ?? chosen;
  return (
    <div class="body-map">
      {/* biome-ignore lint/a11y/useSemanticElements: a drawing has no fieldset */}
      <svg viewBox={`0 0 ${MAP.width} ${MAP.height}`} role="group" aria-label={t(`patient.site.${side}`)}>
        <circle class="small-head" cx={SMALL_HEAD.x} cy={SMALL_HEAD.y} r={SMALL_HEAD.radius} />
        {REGIONS[side].map(({ site, path }) => (
          // biome-ignore lint/a11y/useSemanticElements: a drawing has no button
          <path
            key={site}
            class={`region ${site === chosen ? 'chosen' : ''}`}
            d={path}
            role="button"
            tabIndex={0}
            aria-label={t(`site.${site}`)}
            aria-pressed={site === chosen}
            onClick={() => onChoose(site)}
            onFocus={() => setPointed(site)}
            onBlur={() => setPointed(null)}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' && event.key !== ' ') return;
              event.preventDefault();
              onChoose(site);
            }}
          />
        ))}
      </svg>
      <p class="site-name">{named === null ? t('patient.site.none') : t(`site.${named}`)}</p>
    </div>
  );
}

function List({ chosen, onChoose }: Choosing) {
  const { t } = useWords();
  return (
    <ul class="labels">
      {BODY_SITES.map((site) => (
        <li key={site}>
          <Action pressed={site === chosen} onPress={() => onChoose(site)}>
            {t(`site.${site}`)}
          </Action>
        </li>
      ))}
    </ul>
  );
}
