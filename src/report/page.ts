import { writeFile } from 'node:fs/promises';
import { reasonOf, SpikescopeError } from '../errors.ts';
import { type Html, html, Html as Markup } from './html.ts';

const STYLE = `
:root {
  color-scheme: light dark;
  --text: #1b2430; --muted: #5b6875; --paper: #ffffff; --panel: #f5f7fa; --line: #dde3ea;
  --accent: #2166c2; --good: #1a8a5c; --bad: #c8443a; --on-accent: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e4e9ef; --muted: #98a5b3; --paper: #12171d; --panel: #1b222b; --line: #303a46;
    --accent: #4386d8; --good: #4cb98a; --bad: #ec7268; --on-accent: #ffffff;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 68rem; background: var(--paper); color: var(--text);
  font: 16px/1.55 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .3rem; letter-spacing: -.01em; }
h2 { font-size: 1.15rem; margin: 2.6rem 0 .8rem; padding-bottom: .35rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.6rem 0 .4rem; }
td .interval { color: var(--muted); font-size: .86em; }
td :is(.value, .interval) { white-space: nowrap; }
p { margin: .5rem 0; max-width: 62rem; }
.muted, figcaption, .notice { color: var(--muted); font-size: .9rem; }
.notice { border-left: 3px solid var(--bad); padding: .2rem 0 .2rem .8rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: .8rem; margin: 1.4rem 0; }
.figure { background: var(--panel); border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 1rem; }
.figure dt { color: var(--muted); font-size: .82rem; }
.figure dd { margin: 0; }
.figure .value { font-size: 1.7rem; font-weight: 650; line-height: 1.3; font-variant-numeric: tabular-nums; }
.figure .interval { color: var(--muted); font-size: .8rem; font-variant-numeric: tabular-nums; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: 1.5rem; align-items: start; }
figure { margin: 0; }
figure svg { display: block; max-width: 100%; height: auto; overflow: visible; }
figcaption { margin-top: .4rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; max-width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { padding: .38rem .7rem; text-align: right; border-bottom: 1px solid var(--line); }
th { color: var(--muted); font-weight: 550; font-size: .82rem; }
th:first-child, td:first-child { text-align: left; }
:is(th, td).words { text-align: left; overflow-wrap: anywhere; }
.thumbnails { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: 1rem; padding: 0; list-style: none; }
.thumbnails img { display: block; width: 100%; border-radius: .4rem; background: var(--panel); }
.thumbnails .blank { display: grid; place-items: center; aspect-ratio: 4 / 3; border-radius: .4rem; background: var(--panel); color: var(--muted); font-size: .85rem; }
.thumbnails .caption { font-size: .82rem; line-height: 1.4; margin-top: .3rem; }
.thumbnails .truth { color: var(--good); font-weight: 600; }
.thumbnails .named { color: var(--bad); font-weight: 600; }
code { font: .86em ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); }
@media screen and (max-width: 44rem) {
  body { padding: 1.2rem .8rem 2rem; }
  table { display: block; overflow-x: auto; }
  th, td { padding: .3rem .45rem; }
}
@media print {
  :root {
    --text: #000; --muted: #444; --paper: #fff; --panel: #fff; --line: #bbb; --accent: #2166c2; --on-accent: #fff;
    --good: #116644; --bad: #a02a22;
  }
  body { max-width: none; padding: 0; font-size: 10pt; }
  h2 { margin-top: 1.4rem; }
  table { font-size: .8rem; }
  th, td { padding: .25rem .4rem; }
  .scroll { overflow: visible; }
  .figures { grid-template-columns: repeat(5, 1fr); gap: .5rem; }
  .figure { padding: .5rem .6rem; }
  .figure .value { font-size: 1.2rem; }
  .charts { grid-template-columns: 1fr 1fr; }
  .thumbnails { grid-template-columns: repeat(6, 1fr); gap: .6rem; }
  .thumbnails .caption { font-size: .72rem; }
  footer { margin-top: 1rem; }
  h2, h3 { break-after: avoid; }
  .notice { break-after: avoid; }
  figure, tr, .figure, .thumbnails li { break-inside: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;

/**
 * A whole page that needs nothing from anywhere: styles and pictures inside, no script, and a policy that forbids loading.
 */
export function page(title: string, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
${body}
</body>
</html>
`.markup;
}

/** Writes a page into an existing folder. @throws SpikescopeError `OUT_UNWRITABLE` */
export async function writePage(file: string, text: string): Promise<void> {
  try {
    // Readable by its owner alone: reports can hold photographs of patients.
    await writeFile(file, text, { mode: 0o600 });
  } catch (cause) {
    throw new SpikescopeError('OUT_UNWRITABLE', 'The report cannot be written', {
      file,
      received: reasonOf(cause),
      remedy: 'give a file in an existing folder that you may write to',
      cause,
    });
  }
}

export function percent(share: number | null, digits = 1): string {
  return share === null ? '–' : `${(100 * share).toFixed(digits)}\u00a0%`;
}

export function fixed(value: number | null, digits = 3): string {
  return value === null ? '–' : value.toFixed(digits);
}
