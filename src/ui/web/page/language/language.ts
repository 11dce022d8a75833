/** One language of the page: its texts, its numbers, its direction. */
import { IntlMessageFormat } from 'intl-messageformat';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { LANGUAGES, type Language } from '../../words.ts';
import type { MessageKey, Messages } from './messages.ts';

export type Values = Readonly<Record<string, string | number>>;

/** A class as the bundle describes it. */
interface NamedClass {
  readonly code: string;
  readonly names: Readonly<Record<string, string>>;
}

/** How each language calls itself. */
export const OWN_NAMES: Readonly<Record<Language, string>> = {
  en: 'English',
  de: 'Deutsch',
  fr: 'Français',
  es: 'Español',
  pt: 'Português',
  sw: 'Kiswahili',
  hi: 'हिन्दी',
};

export class Words {
  readonly code: Language;
  readonly #messages: Messages;
  readonly #formats = new Map<MessageKey, IntlMessageFormat>();

  constructor(code: Language, messages: Messages) {
    this.code = code;
    this.#messages = messages;
  }

  readonly t = (key: MessageKey, values?: Values): string => {
    let format = this.#formats.get(key);
    if (format === undefined) {
      format = new IntlMessageFormat(this.#messages[key], this.code, undefined, { ignoreTag: true });
      this.#formats.set(key, format);
    }
    return String(format.format(values));
  };

  has(key: string): key is MessageKey {
    return Object.hasOwn(this.#messages, key);
  }

  /** A probability; never a certainty, which no reading has. */
  readonly share = (value: number): string => {
    if (value < 0.01) return `< ${this.#percent(0.01)}`;
    if (value > 0.99) return `> ${this.#percent(0.99)}`;
    return this.#percent(value);
  };

  /** A measured share, 0 and 1 among them. */
  readonly measured = (value: number): string => this.#percent(value, 1);

  #percent(value: number, digits = 0): string {
    return new Intl.NumberFormat(this.code, {
      style: 'percent',
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    }).format(value);
  }

  readonly number = (value: number): string => new Intl.NumberFormat(this.code).format(value);

  /** Hours and minutes of a moment. @param moment ISO 8601 */
  readonly time = (moment: string): string =>
    new Intl.DateTimeFormat(this.code, { hour: '2-digit', minute: '2-digit' }).format(new Date(moment));

  readonly day = (moment: string): string =>
    new Intl.DateTimeFormat(this.code, { weekday: 'short', day: 'numeric', month: 'short' }).format(
      new Date(moment),
    );

  /** What a class is called: as the bundle says in this language, else as the page does, else in English, else its code. */
  readonly className = (code: string, classes: readonly NamedClass[]): string => {
    const names = classes.find((each) => each.code === code)?.names ?? {};
    const own = `class.${code}`;
    return names[this.code] ?? (this.has(own) ? this.t(own) : (names.en ?? code));
  };
}

/** Right to left for Arabic, Hebrew and the like. */
export function directionOf(code: string): 'ltr' | 'rtl' {
  return /^(ar|dv|fa|he|ps|sd|ug|ur|yi)\b/.test(code) ? 'rtl' : 'ltr';
}

export async function loadWords(code: Language): Promise<Words> {
  const response = await fetch(`./messages/${code}.json`);
  if (!response.ok) throw new Error(`no messages of ${code}: ${response.status}`);
  const messages: Messages = await response.json();
  return new Words(code, messages);
}

/** The only thing that the page keeps: it says nothing of anybody but whoever reads it. */
const KEPT = 'language';

export function keptLanguage(): Language | null {
  const kept = localStorage.getItem(KEPT);
  return LANGUAGES.find((each) => each === kept) ?? null;
}

export function keepLanguage(code: Language): void {
  localStorage.setItem(KEPT, code);
}

/** Chooses the language of the page and keeps the choice. */
export const LanguageChoiceContext = createContext<(code: Language) => void>(() => undefined);

export function useLanguageChoice(): (code: Language) => void {
  return useContext(LanguageChoiceContext);
}

export const WordsContext = createContext<Words | null>(null);

export function useWords(): Words {
  const words = useContext(WordsContext);
  if (words === null) throw new Error('words are used outside their context');
  return words;
}
