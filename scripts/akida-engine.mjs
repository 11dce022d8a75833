/**
 * The source of the vendor's engine for the card, which is part of the vendor's Python package: deployed once into a folder
 * of its own in the cache, with the header library that it needs. The last line on stdout says what to type next.
 *
 *   npm run build && node scripts/akida-engine.mjs
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import path from 'node:path';
import { asScript, execute, isOnPath, messageOf, root, run, say } from './support/programs.mjs';

/** Of the vendor's package and the engine in it; a program and the engine that loads it must be of one version. */
export const ENGINE_VERSION = '2.19.3';
/** Names a folder with the engine's `api`, `inc` and `src`, and `flatbuffers` beside them or in the system's headers. */
export const ENGINE_VARIABLE = 'AKIDA_ENGINE_DIR';
/** The engine's generated sources accept no other. */
const FLATBUFFERS_VERSION = '2.0.8';
const SYSTEM_HEADERS = '/usr/include';

/**
 * The engine that this build is to have: what the variable names.
 * @returns {{ engine: string, flatbuffers: string } | null} null where it names none
 * @throws {Error} when what it names is not whole
 */
export function namedEngine(folder = process.env[ENGINE_VARIABLE]) {
  if (!folder) return null;
  // Both the folder that was given to the vendor's `deploy` and the one that it makes there will do.
  const engine = [folder, path.join(folder, 'engine')].find((place) =>
    existsSync(path.join(place, 'src/hardware_device.cpp')),
  );
  if (engine === undefined)
    throw new Error(`${ENGINE_VARIABLE}: ${folder} holds no engine; type: node scripts/akida-engine.mjs`);
  const version = /VERSION (\d+\.\d+\.\d+)/.exec(
    readFileSync(path.join(engine, 'cmake/akida-engine.cmake'), 'utf8'),
  )?.[1];
  if (version !== ENGINE_VERSION)
    throw new Error(`${ENGINE_VARIABLE}: the engine is ${version}, not ${ENGINE_VERSION}`);
  const flatbuffers = [folder, engine, SYSTEM_HEADERS].find(hasFlatBuffers);
  if (flatbuffers === undefined) {
    throw new Error(
      `the engine needs the headers of FlatBuffers ${FLATBUFFERS_VERSION}: put its include/flatbuffers into ${folder}`,
    );
  }
  return { engine: path.resolve(engine), flatbuffers: path.resolve(flatbuffers) };
}

/** @param {string} folder */
function hasFlatBuffers(folder) {
  const header = path.join(folder, 'flatbuffers/base.h');
  if (!existsSync(header)) return false;
  const text = readFileSync(header, 'utf8');
  const version = ['MAJOR', 'MINOR', 'REVISION'].map((part) =>
    new RegExp(`#define FLATBUFFERS_VERSION_${part} (\\d+)`).exec(text)?.at(1),
  );
  return version.join('.') === FLATBUFFERS_VERSION;
}

/**
 * Deploys the engine, unless it is there.
 * @returns {Promise<string>} the folder for the variable
 * @throws {Error} where the vendor's package or the headers cannot be had
 */
export async function deployEngine() {
  const { compilerPython } = await import(path.join(root, 'dist/conversion/akida1/python.js'));
  const { defaultCache } = await import(path.join(root, 'dist/cli/shared/options.js'));
  const cache = defaultCache();
  const folder = path.join(cache, `akida-engine-${ENGINE_VERSION}`);
  if (existsSync(folder)) return folder;
  const python = await compilerPython(cache);
  mkdirSync(cache, { recursive: true });
  const unfinished = mkdtempSync(`${folder}.`);
  try {
    // Not through the package's own script, which names the interpreter by the place where it was installed.
    const deploy = 'import sys; from akida.cli import main; sys.exit(main())';
    execute(python, ['-c', deploy, 'engine', 'deploy', '--dest-path', unfinished]);
    if (!hasFlatBuffers(SYSTEM_HEADERS)) fetchFlatBuffers(unfinished);
    namedEngine(unfinished);
    renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return folder;
}

/** From Debian's package, unpacked without installing it. @param {string} folder */
function fetchFlatBuffers(folder) {
  const download = path.join(folder, 'download');
  mkdirSync(download);
  if (!isOnPath('apt-get') || !isOnPath('dpkg-deb')) return;
  const quiet = /** @type {const} */ ({ cwd: download, stdout: 'ignore' });
  run('apt-get', ['download', '-q', `libflatbuffers-dev=${FLATBUFFERS_VERSION}*`], quiet);
  for (const file of readdirSync(download)) {
    execute('dpkg-deb', ['--extract', file, '.'], quiet);
    cpSync(path.join(download, 'usr/include/flatbuffers'), path.join(folder, 'flatbuffers'), {
      recursive: true,
    });
  }
  rmSync(download, { recursive: true });
}

/** As `deployEngine`; where it cannot be had here, says why. @returns {Promise<string | null>} */
export async function engineOrNull() {
  try {
    return process.env[ENGINE_VARIABLE] || (await deployEngine());
  } catch (error) {
    say(`spikescope: without the engine of the card: ${messageOf(error)}`);
    return null;
  }
}

await asScript(import.meta.url, async () => {
  const folder = await deployEngine();
  say(`spikescope: the engine ${ENGINE_VERSION} lies in ${folder}; to build with it:`);
  process.stdout.write(`${ENGINE_VARIABLE}=${folder} npm run build\n`);
});
