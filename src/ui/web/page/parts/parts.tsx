/** Small parts that every view is made of. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Severity } from '../../words.ts';
import { useWords } from '../language/language.ts';
import { Line, type LineName, SeverityShape } from './icons.tsx';

interface ActionProps {
  readonly children: ComponentChildren;
  readonly onPress: () => void;
  readonly icon?: LineName;
  readonly kind?: 'main' | 'plain' | 'quiet' | 'danger';
  readonly disabled?: boolean;
  /** Of something that is on or off. */
  readonly pressed?: boolean;
  /** Of something that opens a part of the page. */
  readonly expanded?: boolean;
  /** Where the words on it are too few to say what it does. */
  readonly label?: string;
  readonly keys?: string;
  readonly lang?: string;
}

export function Action({ children, onPress, icon, kind = 'plain', ...rest }: ActionProps) {
  return (
    <button
      type="button"
      class={`action ${kind}`}
      disabled={rest.disabled}
      aria-pressed={rest.pressed}
      aria-expanded={rest.expanded}
      aria-label={rest.label}
      aria-keyshortcuts={rest.keys}
      lang={rest.lang}
      onClick={onPress}
    >
      {icon && <Line name={icon} />}
      <span>{children}</span>
    </button>
  );
}

/** A part of the page that takes the place of a view for a while; the focus goes to its heading. */
export function Sheet(props: {
  readonly title: string;
  readonly onBack: () => void;
  readonly children: ComponentChildren;
  readonly className?: string;
}) {
  const { t } = useWords();
  return (
    <section class={`sheet ${props.className ?? ''}`} aria-labelledby="sheet-title">
      <div class="sheet-head">
        <Action kind="quiet" icon="back" onPress={props.onBack}>
          {t('app.back')}
        </Action>
        <Heading id="sheet-title">{props.title}</Heading>
      </div>
      {props.children}
    </section>
  );
}

/** A heading that takes the focus when it appears, so that a screen reader begins there. */
export function Heading({ children, id }: { children: ComponentChildren; id?: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  // With the view, not after it: who types at once must not lose the field.
  useLayoutEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <h1 id={id} ref={heading} tabIndex={-1}>
      {children}
    </h1>
  );
}

/** Something that a person should know, with what to do about it. */
export function Notice(props: {
  readonly severity: Severity;
  readonly title: string;
  readonly children?: ComponentChildren;
  readonly onClose?: () => void;
}) {
  const { t } = useWords();
  return (
    <div class={`notice ${props.severity}`}>
      <SeverityShape severity={props.severity} />
      <div class="notice-text">
        <p class="notice-title">{props.title}</p>
        {props.children && <div class="notice-how">{props.children}</div>}
      </div>
      {props.onClose && (
        <Action kind="quiet" icon="close" label={t('app.close')} onPress={props.onClose}>
          {null}
        </Action>
      )}
    </div>
  );
}

/** One of a few, as large buttons. */
export function Choice<Value extends string | number>(props: {
  readonly label: string;
  readonly value: Value | null;
  readonly options: readonly { readonly value: Value; readonly text: string; readonly lang?: string }[];
  readonly onChoose: (value: Value) => void;
}) {
  return (
    <fieldset class="choice">
      <legend>{props.label}</legend>
      <div class="choice-options">
        {props.options.map(({ value, text, lang }) => (
          <Action
            key={value}
            pressed={value === props.value}
            onPress={() => props.onChoose(value)}
            {...(lang !== undefined && { lang })}
          >
            {text}
          </Action>
        ))}
      </div>
    </fieldset>
  );
}
