/** The texts of the page: each language has all of them, each is used, and each takes the same values. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type MessageFormatElement, parse, TYPE } from '@formatjs/icu-messageformat-parser';
import { describe, expect, it } from 'vitest';
import {
  BODY_SITES,
  FAULT_KEYS,
  LANGUAGES,
  PARTS,
  REFUSAL_CODES,
  REMEDY_KEYS,
  RETAKE_KEYS,
  SEVERITIES,
  STATUS_KEYS,
} from '../../../src/ui/web/words.ts';

const PAGE = path.resolve('src/ui/web/page');
const messagesOf = (language: string): Record<string, string> =>
  JSON.parse(readFileSync(path.join(PAGE, 'messages', `${language}.json`), 'utf8'));
const english = messagesOf('en');
const keys = Object.keys(english);

/** Names of values, with what kind each is: `waiting plural`. */
function valuesOf(elements: readonly MessageFormatElement[]): string[] {
  return elements.flatMap((element) => {
    switch (element.type) {
      case TYPE.argument:
        return [`${element.value}`];
      case TYPE.plural:
      case TYPE.select:
        return [
          `${element.value} of ${element.type === TYPE.plural ? 'a number' : 'a choice'}`,
          ...Object.values(element.options).flatMap(({ value }) => valuesOf(value)),
        ];
      default:
        return [];
    }
  });
}
const distinct = (message: string) => [...new Set(valuesOf(parse(message, { ignoreTag: true })))].sort();

/** Keys whose end comes from the device or from a list: all of the list, and no more. */
const FAMILIES: Readonly<Record<string, readonly string[]>> = {
  'status.part.': PARTS,
  'status.severity.': SEVERITIES,
  'refusal.': [...REFUSAL_CODES, 'other'],
  'retake.': RETAKE_KEYS.flatMap((key) => [key, `${key}.how`]),
  'site.': BODY_SITES,
};

const sources = readdirSync(PAGE, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => readFileSync(path.join(PAGE, file), 'utf8'))
  .join('\n');

/** Pieces of source that make keys: literal ones, and templates with a hole for a closed list. */
const patterns = [...sources.matchAll(/['`]([a-z][\w.-]*\.[\w.${}[\]-]+)['`]/g)].map(
  ([, text]) =>
    new RegExp(`^${text.replaceAll('.', '\\.').replace(/\$\{[^}]*\}/g, '[\\w-]+(\\.[\\w-]+)?')}$`),
);

describe('the messages of the page', () => {
  it.each(LANGUAGES)('are all there in %s, and no others', (language) => {
    expect(Object.keys(messagesOf(language)).sort()).toEqual([...keys].sort());
  });

  it.each(LANGUAGES)('are ICU messages that take the same values in %s', (language) => {
    const messages = messagesOf(language);
    const differing = keys.filter((key) => distinct(messages[key]).join() !== distinct(english[key]).join());
    expect(differing).toEqual([]);
  });

  it.each(LANGUAGES)('have the plural forms that %s asks for', (language) => {
    const asked = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    const lacking = Object.entries(messagesOf(language)).flatMap(([key, message]) =>
      parse(message, { ignoreTag: true })
        .filter((element) => element.type === TYPE.plural)
        .filter(({ options }) => asked.some((form) => form !== 'many' && options[form] === undefined))
        .map(() => key),
    );
    expect(lacking).toEqual([]);
  });

  it.each(LANGUAGES)('are texts in %s: none is empty, or has blanks at its ends', (language) => {
    const odd = Object.entries(messagesOf(language)).filter(
      ([, text]) => text === '' || text.trim() !== text,
    );
    expect(odd).toEqual([]);
  });

  it.each(LANGUAGES.filter((each) => each !== 'en'))('are translated in %s', (language) => {
    const messages = messagesOf(language);
    const same = keys.filter((key) => messages[key] === english[key]);
    // Words that are the same in several languages, and no more than those.
    expect(same.length).toBeLessThan(20);
  });

  it('are each used by the page', () => {
    // Of those that the device names whole the last test says whether it has them.
    const own = keys.filter((key) => !/^(class|remedy|fault)\./.test(key));
    const unused = own.filter((key) => !patterns.some((each) => each.test(key)));
    expect(unused).toEqual([]);
  });

  it.each(Object.entries(FAMILIES))('have a text for each word of the device under %s', (family, words) => {
    const here = keys.filter((key) => key.startsWith(family)).map((key) => key.slice(family.length));
    expect(here.sort()).toEqual([...words].sort());
  });

  it('have a text for each state of a part, remedy and fault that the device can tell', () => {
    const told = [...STATUS_KEYS.map((key) => `status.${key}`), ...REMEDY_KEYS, ...FAULT_KEYS];
    expect(told.filter((key) => english[key] === undefined)).toEqual([]);
    const more = keys.filter((key) => /^(remedy|fault)\./.test(key) && !told.includes(key));
    expect(more).toEqual([]);
  });

  it('never begin a line in French with the mark that ends one', () => {
    const texts = Object.values(messagesOf('fr'));
    expect(texts.filter((text) => / [»?!;:%]|« /.test(text))).toEqual([]);
  });
});
