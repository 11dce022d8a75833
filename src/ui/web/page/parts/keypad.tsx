/**
 * Keys drawn in the page, because those of a desktop lie under a page that fills the screen. A keyboard, or a scanner that
 * types like one, works as well.
 */
import { useId, useRef, useState } from 'preact/hooks';
import { useWords } from '../language/language.ts';
import { Line } from './icons.tsx';
import { Action } from './parts.tsx';

export type Layout = 'digits' | 'identifier' | 'code';

const DIGITS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '0'];
const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
const SIGNS: Readonly<Record<Layout, readonly string[]>> = {
  digits: [],
  identifier: ['-', '.', '/', ':', '_'],
  code: ['-'],
};
/** Characters that may be typed. */
const ALLOWED: Readonly<Record<Layout, RegExp>> = {
  digits: /[^0-9]/g,
  identifier: /[^A-Za-z0-9._/:-]/g,
  code: /[^A-Za-z0-9-]/g,
};

export function Keypad(props: {
  readonly layout: Layout;
  readonly label: string;
  readonly hint?: string;
  readonly longest: number;
  /** Whether what surrounds it bears the label already. */
  readonly isTitled?: boolean;
  /** Shown as dots. */
  readonly hidden?: boolean;
  readonly start?: string;
  readonly done: (text: string) => string;
  readonly isComplete: (text: string) => boolean;
  readonly onDone: (text: string) => void;
}) {
  const { layout, label, hint, longest, hidden = false, start = '' } = props;
  const { t } = useWords();
  const id = useId();
  const [text, setText] = useState(start);
  const [page, setPage] = useState<'digits' | 'letters'>(layout === 'code' ? 'letters' : 'digits');
  // What stands in the field now: a scanner types faster than the page is drawn.
  const typed = useRef(start);
  const type = (next: string): void => {
    typed.current = next.replace(ALLOWED[layout], '').slice(0, longest);
    setText(typed.current);
  };
  const finish = (event: Event): void => {
    event.preventDefault();
    if (props.isComplete(typed.current)) props.onDone(typed.current);
  };
  const keys =
    page === 'letters' ? LETTERS.map((each) => (layout === 'code' ? each.toLowerCase() : each)) : DIGITS;
  return (
    <form class="keypad" onSubmit={finish}>
      <label for={id} class={props.isTitled ? 'unseen' : ''}>
        {label}
      </label>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      <input
        id={id}
        class="typed"
        type={hidden ? 'password' : 'text'}
        inputMode="none"
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        dir="ltr"
        maxLength={longest}
        aria-describedby={hint ? `${id}-hint` : undefined}
        value={text}
        onInput={(event) => type(event.currentTarget.value)}
        // By itself a field submits nothing while the button is still drawn as disabled.
        onKeyDown={(event) => {
          if (event.key === 'Enter') finish(event);
        }}
      />
      <fieldset class={`keys ${page} for-${layout}`} aria-label={t('keys.title')} dir="ltr">
        {keys.map((key) => (
          <button key={key} type="button" class="key" onClick={() => type(typed.current + key)}>
            {key}
          </button>
        ))}
        {SIGNS[layout].map((key) => (
          <button key={key} type="button" class="key sign" onClick={() => type(typed.current + key)}>
            {key}
          </button>
        ))}
        <button
          type="button"
          class="key"
          aria-label={t('keys.delete')}
          onClick={() => type(typed.current.slice(0, -1))}
        >
          <Line name="delete" />
        </button>
      </fieldset>
      <div class="row">
        {layout !== 'digits' && (
          <Action kind="quiet" icon="keys" onPress={() => setPage(page === 'letters' ? 'digits' : 'letters')}>
            {page === 'letters' ? t('keys.digits') : t('keys.letters')}
          </Action>
        )}
        <button type="submit" class="action main" disabled={!props.isComplete(text)}>
          <span>{props.done(text)}</span>
        </button>
      </div>
      <p class="unseen" role="status">
        {hidden ? t('keys.hidden', { count: text.length }) : t('keys.typed', { text })}
      </p>
    </form>
  );
}
