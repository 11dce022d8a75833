/**
 * The rooms of src/ and the arrows between them: an allow-list. A new arrow is written down here, on purpose, and appears in
 * the diagram of docs/design/architecture.md, which this test writes (`UPDATE_DIAGRAM=1`) and otherwise compares.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const PAGE = 'docs/design/architecture.md';

/**
 * Every room, lowest first, with the rooms that it may import. A room is a folder of src/; folders that hold several
 * subjects are divided into sub-rooms. `ground` is the files directly in src/ that every room may import; `index` is the
 * door for other programs, which no room imports.
 */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  ground: [],
  model: [],
  native: ['model'],
  capture: [],
  preprocess: ['native', 'model'],
  store: [],
  updates: ['store', 'model'],
  telehealth: ['updates', 'store', 'capture', 'model'],
  'runtime/engine': ['native', 'model'],
  'runtime/inference': ['runtime/engine', 'preprocess', 'model'],
  'runtime/learning': ['runtime/inference', 'store', 'model'],
  'runtime/proof': ['updates', 'runtime/learning', 'runtime/inference', 'runtime/engine', 'model'],
  'runtime/appliance': [
    ...['runtime/learning', 'runtime/inference', 'runtime/engine'],
    ...['telehealth', 'updates', 'store', 'preprocess', 'capture', 'model'],
  ],
  'ui/terminal': ['runtime/appliance', 'runtime/learning', 'telehealth', 'store', 'capture', 'model'],
  'ui/web': [
    ...['runtime/appliance', 'runtime/learning', 'runtime/inference'],
    ...['telehealth', 'store', 'preprocess', 'capture', 'model'],
  ],
  index: ['runtime/inference', 'runtime/engine', 'preprocess', 'model'],
  dataset: [],
  release: ['telehealth', 'updates', 'store', 'model'],
  statistics: ['runtime/inference'],
  report: ['statistics'],
  conversion: ['dataset', 'preprocess', 'capture', 'model'],
  evaluation: [
    ...['conversion', 'report', 'statistics', 'dataset'],
    ...['runtime/inference', 'runtime/engine', 'preprocess', 'capture', 'model'],
  ],
  training: [
    ...['evaluation', 'conversion', 'report', 'statistics', 'dataset'],
    ...['runtime/learning', 'runtime/inference', 'runtime/engine', 'store', 'preprocess', 'capture', 'model'],
  ],
  bench: [
    ...['training', 'evaluation', 'conversion', 'report', 'statistics', 'dataset'],
    ...['ui/web', 'runtime/appliance', 'runtime/learning', 'runtime/inference', 'runtime/engine'],
    ...['telehealth', 'store', 'preprocess', 'native', 'capture', 'model'],
  ],
  cli: [
    ...['bench', 'training', 'evaluation', 'conversion', 'report', 'statistics', 'release', 'dataset'],
    ...[
      'ui/terminal',
      'ui/web',
      'runtime/appliance',
      'runtime/proof',
      'runtime/inference',
      'runtime/engine',
      'telehealth',
    ],
    ...['updates', 'store'],
    ...['capture', 'native', 'model'],
  ],
};

/** What a device installs. The command line belongs to both sides: it loads the workstation's commands on demand. */
const DEVICE_SIDE = Object.keys(ARROWS).slice(0, Object.keys(ARROWS).indexOf('dataset'));
const WORKSTATION_SIDE = [
  'dataset',
  'release',
  'statistics',
  'report',
  'conversion',
  'evaluation',
  'training',
  'bench',
];
/** Commands that a device has. */
const DEVICE_COMMANDS = ['run', 'classify', 'inspect', 'provision', 'journal', 'doctor'];
/** Packages that a device installs without. */
const WORKSTATION_PACKAGES = [
  'onnxruntime-node',
  'protobufjs',
  '@observablehq/plot',
  'linkedom',
  '@tensorflow/',
  'ml-matrix',
];

const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g;
const DYNAMIC = /\bimport\s*\(\s*['"]([^'"]+)['"]/g;

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => path.join(folder, name))
    .sort();
}

function specifiersIn(text: string, pattern = IMPORT): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1]);
}

/** The room of a file below src/; null for a file of no room. */
function roomOf(file: string): string | null {
  const [first, second] = path.relative('src', file).split(path.sep);
  if (first === 'index.ts') return 'index';
  if (first.endsWith('.ts')) return 'ground';
  const room = [`${first}/${second}`, first].find((name) => Object.hasOwn(ARROWS, name));
  return room ?? null;
}

function resolved(file: string, specifier: string): string {
  return path.join(path.dirname(file), specifier);
}

interface Arrow {
  readonly from: string;
  readonly to: string;
}

/** Relative imports of a file, of any form: value, type, re-export, dynamic. */
function arrowsOf(file: string, text: string): Arrow[] {
  return specifiersIn(text)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => ({ from: file, to: resolved(file, specifier) }));
}

const files = filesBelow('src');
const arrows = files.flatMap((file) => arrowsOf(file, readFileSync(file, 'utf8')));

function violations(found: readonly Arrow[]): string[] {
  return found
    .filter(({ from, to }) => {
      const [source, target] = [roomOf(from), roomOf(to)];
      if (source === null || target === null) return true;
      return source !== target && target !== 'ground' && !ARROWS[source].includes(target);
    })
    .map(({ from, to }) => `${from} imports ${to}`);
}

/** Groups of files that import each other in a circle, types included. */
function circles(found: readonly Arrow[]): string[][] {
  const targets = new Map<string, string[]>();
  for (const { from, to } of found) targets.set(from, [...(targets.get(from) ?? []), to]);
  const state = new Map<string, 'open' | 'done'>();
  const circlesFound: string[][] = [];
  const visit = (file: string, way: readonly string[]): void => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      circlesFound.push(way.slice(way.indexOf(file)));
      return;
    }
    state.set(file, 'open');
    for (const target of targets.get(file) ?? []) visit(target, [...way, file]);
    state.set(file, 'done');
  };
  for (const file of targets.keys()) visit(file, []);
  return circlesFound;
}

/** All files that a file loads when it is loaded, dynamic imports left out. */
function closureOf(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(file, 'utf8');
  const lazy = new Set(specifiersIn(text, DYNAMIC));
  for (const specifier of specifiersIn(text)) {
    if (specifier.startsWith('.') && !lazy.has(specifier)) closureOf(resolved(file, specifier), seen);
  }
  return seen;
}

describe('the rooms of src/', () => {
  it('are all known, and each has files', () => {
    expect(files.filter((file) => roomOf(file) === null)).toEqual([]);
    const inhabited = new Set(files.map(roomOf));
    expect(Object.keys(ARROWS).filter((room) => !inhabited.has(room))).toEqual([]);
  });

  it('are listed from the lowest up: an arrow points to a room that is listed before', () => {
    const order = Object.keys(ARROWS);
    const upwards = Object.entries(ARROWS).flatMap(([room, targets]) =>
      targets
        .filter((target) => order.indexOf(target) >= order.indexOf(room))
        .map((target) => [room, target]),
    );
    expect(upwards).toEqual([]);
  });

  it('import each other only along the arrows that are listed', () => {
    expect(violations(arrows)).toEqual([]);
  });

  it('use every arrow that is listed', () => {
    const used = new Set(arrows.map(({ from, to }) => `${roomOf(from)} → ${roomOf(to)}`));
    const unused = Object.entries(ARROWS)
      .flatMap(([room, targets]) => targets.map((target) => `${room} → ${target}`))
      .filter((arrow) => !used.has(arrow));
    expect(unused).toEqual([]);
  });

  it('hold no circle of files', () => {
    expect(circles(arrows)).toEqual([]);
  });

  it('would be caught importing what they must not, in any form, and running in circles', () => {
    const of = (text: string) => violations(arrowsOf('src/runtime/appliance/planted.ts', text));
    expect(of("import { a } from '../../conversion/onnx.ts';")).toHaveLength(1);
    expect(of("import type { a } from '../../ui/terminal/console.ts';")).toHaveLength(1);
    expect(of("export * from '../../evaluation/metrics.ts';")).toHaveLength(1);
    expect(of("const x = await import('../../training/train.ts');")).toHaveLength(1);
    expect(of("import { a } from '../engine/contract.ts';\nimport sharp from 'sharp';")).toEqual([]);
    const circle = [
      { from: 'a.ts', to: 'b.ts' },
      { from: 'b.ts', to: 'c.ts' },
      { from: 'c.ts', to: 'b.ts' },
    ];
    expect(circles(circle)).toEqual([['b.ts', 'c.ts']]);
  });
});

describe('the device side', () => {
  it('reaches nothing of the workstation side, nor a package that a device lacks', () => {
    for (const room of DEVICE_SIDE) {
      expect(ARROWS[room].filter((target) => WORKSTATION_SIDE.includes(target))).toEqual([]);
    }
    const foreign = files
      .filter((file) => DEVICE_SIDE.includes(roomOf(file) ?? ''))
      .flatMap((file) => specifiersIn(readFileSync(file, 'utf8')).map((specifier) => ({ file, specifier })))
      .filter(({ specifier }) => WORKSTATION_PACKAGES.some((name) => specifier.startsWith(name)));
    expect(foreign).toEqual([]);
  });

  it.each(DEVICE_COMMANDS)('keeps the workstation out of what `%s` loads at its start', (command) => {
    const loaded = [...closureOf('src/cli/main.ts'), ...closureOf(`src/cli/${command}/${command}.ts`)];
    const foreign = loaded.filter((file) => WORKSTATION_SIDE.includes(roomOf(file) ?? ''));
    expect(foreign).toEqual([]);
  });
});

describe('the diagram of the architecture', () => {
  const BLOCK = /<!-- rooms -->\n[\s\S]*<!-- \/rooms -->/;

  /** Without arrows that a longer way already implies: what is left can be read. */
  function diagram(): string {
    const reaches = (from: string, to: string): boolean =>
      ARROWS[from].some((next) => next === to || reaches(next, to));
    const essential = Object.entries(ARROWS).flatMap(([room, targets]) =>
      targets
        .filter((target) => !targets.some((other) => other !== target && reaches(other, target)))
        .map((target) => `  ${idOf(room)} --> ${idOf(target)}`),
    );
    const side = (name: string, rooms: readonly string[]) => [
      `  subgraph ${name}`,
      ...rooms.map((room) => `    ${idOf(room)}["${room}"]`),
      '  end',
    ];
    return [
      '<!-- rooms -->',
      '```mermaid',
      'flowchart BT',
      ...side(
        'device',
        DEVICE_SIDE.filter((room) => room !== 'ground'),
      ),
      ...side('workstation', WORKSTATION_SIDE),
      ...essential,
      '```',
      '<!-- /rooms -->',
    ].join('\n');
  }

  function idOf(room: string): string {
    return room.replace(/\W/g, '_');
  }

  it('is the one in the page', () => {
    const page = readFileSync(PAGE, 'utf8');
    if (process.env.UPDATE_DIAGRAM)
      writeFileSync(
        PAGE,
        page.replace(BLOCK, () => diagram()),
      );
    expect(BLOCK.exec(readFileSync(PAGE, 'utf8'))?.[0]).toBe(diagram());
  });
});
