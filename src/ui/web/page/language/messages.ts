import type english from '../messages/en.json';

/** Every text that the page can show. */
export type MessageKey = keyof typeof english;
export type Messages = Readonly<Record<MessageKey, string>>;
