/** What an answer has changed: in words, with the figures of the device's own check pictures. */
import type { TeachOutcome } from '../../contract.ts';
import { useApp } from '../app-context.ts';
import { useWords } from '../language/language.ts';
import { Action, Notice, Sheet } from '../parts/parts.tsx';

export function Outcome(props: {
  readonly outcome: TeachOutcome;
  readonly onClose: () => void;
  /** Opens the figures, in place of the view. */
  readonly onFigures: () => void;
}) {
  const { outcome, onClose } = props;
  const { t } = useWords();
  const { state, ask, may } = useApp();
  const { figures } = outcome;
  const canUndo = outcome.outcome !== 'undone' && outcome.outcome !== 'nothing-to-undo' && may('teach');
  const severity = outcome.outcome === 'refused' || outcome.outcome === 'not-learned' ? 'warning' : 'ok';
  return (
    <Notice severity={severity} title={useTitle(outcome)} onClose={onClose}>
      <Details outcome={outcome} />
      <div class="row">
        {figures && (
          <Action kind="quiet" expanded={false} onPress={props.onFigures}>
            {t('teach.figures')}
          </Action>
        )}
        {canUndo && state.learning.undoable !== null && (
          <Action kind="quiet" keys="u" onPress={() => void ask({ command: 'undo' })}>
            {t('teach.undo')}
          </Action>
        )}
      </div>
    </Notice>
  );
}

function useTitle({ outcome, label }: TeachOutcome): string {
  const { t, className } = useWords();
  const { state } = useApp();
  const name = { label: label === null ? '' : className(label, state.classes) };
  switch (outcome) {
    case 'kept':
      return t('teach.learned', name);
    case 'refused':
    case 'not-learned':
      return t('teach.recorded', name);
    case 'undone':
      return t('teach.undone');
    case 'nothing-to-undo':
      return t('teach.nothing');
  }
}

function Details({ outcome: { outcome, label, addedAs, figures } }: { outcome: TeachOutcome }) {
  const { t, className } = useWords();
  const { state } = useApp();
  const name = { label: label === null ? '' : className(label, state.classes) };
  switch (outcome) {
    case 'kept':
      if (addedAs === 'malignant') return <p>{t('teach.learned.added', name)}</p>;
      if (addedAs === 'benign') return <p>{t('teach.learned.addedBenign', name)}</p>;
      return <p>{t('teach.learned.how')}</p>;
    case 'refused':
      return <p>{figures === null ? t('teach.recorded.how') : t('teach.recorded.gate')}</p>;
    case 'not-learned':
      return <p>{t('teach.off')}</p>;
    default:
      return null;
  }
}

/** What an answer would change, figure by figure. */
export function OutcomeFigures({ outcome, onBack }: { outcome: TeachOutcome; onBack: () => void }) {
  const { t } = useWords();
  return (
    <Sheet title={t('teach.figures')} onBack={onBack}>
      <p class="lead">{useTitle(outcome)}</p>
      <Details outcome={outcome} />
      {outcome.figures && <GateTable figures={outcome.figures} />}
    </Sheet>
  );
}

type Figures = NonNullable<TeachOutcome['figures']>;
const SKILLS = ['balancedAccuracy', 'sensitivity', 'triageSensitivity', 'watchedTriageSensitivity'] as const;

/** What the device did with its check pictures as delivered, and what it does or would do having learned. */
function GateTable({ figures: { factory, proposed } }: { figures: Figures }) {
  const { t, measured, className } = useWords();
  const { state } = useApp();
  const watched = state.model.triage?.watchedClass ?? null;
  const values = { label: watched === null ? '' : className(watched, state.classes) };
  return (
    <table class="gate">
      <thead>
        <tr>
          <th scope="col">{t('teach.figures.skill')}</th>
          <th scope="col">{t('teach.figures.factory')}</th>
          <th scope="col">{t('teach.figures.proposed')}</th>
        </tr>
      </thead>
      <tbody>
        {SKILLS.map((skill) => {
          const [before, after] = [factory[skill], proposed[skill]];
          if (before === null || after === null) return null;
          return (
            <tr key={skill}>
              <th scope="row">{t(`teach.skill.${skill}`, values)}</th>
              <td>{measured(before)}</td>
              <td class={after < before ? 'less' : ''}>
                {measured(after)}
                {after < before && <span aria-hidden="true"> ▼</span>}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
