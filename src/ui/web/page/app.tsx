/** The page: what is always there, around the view that is open. */
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { CommandReply, ScreenCommand, ScreenState } from '../contract.ts';
import type { Language, Right } from '../words.ts';
import { type AppContext, Context, type View } from './app-context.ts';
import type { Device, DeviceView } from './device/device.ts';
import { commandOf, isTaken } from './keyboard.ts';
import {
  directionOf,
  keepLanguage,
  keptLanguage,
  LanguageChoiceContext,
  loadWords,
  type Words,
  WordsContext,
} from './language/language.ts';
import { Shell } from './shell.tsx';
import { Lost, Starting } from './views/away.tsx';
import { Pairing } from './views/pairing.tsx';

export function App({ device }: { device: Device }) {
  const view = useDevice(device);
  const [words, choose] = useLanguage(view.state?.display.language ?? null);
  const theme = view.state?.display.theme ?? 'light';
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  if (words === null) return null;
  return (
    <WordsContext.Provider value={words}>
      <LanguageChoiceContext.Provider value={choose}>
        {view.link === 'unpaired' && <Pairing device={device} />}
        {view.link === 'lost' && <Lost since={view.heardAt} ending={view.state?.ending ?? null} />}
        {view.link !== 'unpaired' && view.state === null && view.link !== 'lost' && <Starting />}
        {view.link === 'open' && view.state !== null && (
          <Running device={device} view={view} state={view.state} />
        )}
      </LanguageChoiceContext.Provider>
    </WordsContext.Provider>
  );
}

function useDevice(device: Device): DeviceView {
  const [view, setView] = useState(device.view);
  useEffect(() => device.onChange(setView), [device]);
  return view;
}

/** The language that was chosen here, else that of the device. A language that cannot be loaded leaves the one before. */
function useLanguage(ofDevice: Language | null): [Words | null, (code: Language) => void] {
  const [words, setWords] = useState<Words | null>(null);
  const [chosen, setChosen] = useState(keptLanguage);
  const wanted = chosen ?? ofDevice ?? 'en';
  useEffect(() => {
    let isCurrent = true;
    const use = (loaded: Words): void => {
      if (!isCurrent) return;
      document.documentElement.lang = loaded.code;
      document.documentElement.dir = directionOf(loaded.code);
      setWords(loaded);
    };
    loadWords(wanted).then(use, () => undefined);
    return () => {
      isCurrent = false;
    };
  }, [wanted]);
  const choose = useCallback((code: Language) => {
    keepLanguage(code);
    setChosen(code);
  }, []);
  return [words, choose];
}

function Running({ device, view, state }: { device: Device; view: DeviceView; state: ScreenState }) {
  const [open, setOpen] = useState<View>('capture');
  const [refusal, setRefusal] = useState<string | null>(null);
  const [shortcuts, setShortcuts] = useState(true);
  const ask = useCallback(
    async (command: ScreenCommand): Promise<CommandReply> => {
      const reply = await device.command(command);
      setRefusal(reply.outcome === 'done' ? null : reply.code);
      return reply;
    },
    [device],
  );
  const may = useCallback((right: Right) => state.client.rights.includes(right), [state.client.rights]);
  useFollowing(state, setOpen);
  useKeyboard(state, ask, shortcuts);
  useActivity(device, state);
  const context = useMemo(
    (): AppContext => ({
      ...{ device, state, ask, may, version: view.version, go: setOpen },
      shortcuts: { on: shortcuts, set: setShortcuts },
    }),
    [device, state, ask, may, view.version, shortcuts],
  );
  return (
    <Context.Provider value={context}>
      <Shell open={open} refusal={refusal} onDismiss={() => setRefusal(null)} />
    </Context.Provider>
  );
}

/** A press of the device's own button shows what comes of it, whatever view is open. */
function useFollowing({ flow: { state, automatic } }: ScreenState, setOpen: (view: View) => void): void {
  const before = useRef(state);
  useEffect(() => {
    const hasBegun = before.current !== state && (state === 'capturing' || state === 'confirmingUndo');
    if (hasBegun && !automatic) setOpen('capture');
    before.current = state;
  }, [state, automatic, setOpen]);
}

function useKeyboard(state: ScreenState, ask: AppContext['ask'], isOn: boolean): void {
  // With the drawing itself: a key means what the screen says at that moment.
  useLayoutEffect(() => {
    if (!isOn) return;
    const onKey = (event: KeyboardEvent): void => {
      if (isTaken(event) || state.display.blank) return;
      const command = commandOf(event.key, state);
      if (command === null) return;
      event.preventDefault();
      void ask(command);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [state, ask, isOn]);
}

/** Milliseconds between two words to the device that somebody is there. */
const ACTIVE_EVERY = 10_000;

/** Touching the page keeps it from going blank, and wakes it. */
function useActivity(device: Device, state: ScreenState): void {
  const said = useRef(0);
  const isBlank = state.display.blank;
  useEffect(() => {
    const onTouch = (): void => {
      const now = performance.now();
      if (!isBlank && now - said.current < ACTIVE_EVERY) return;
      said.current = now;
      void device.command({ command: 'active' });
    };
    document.addEventListener('pointerdown', onTouch);
    document.addEventListener('keydown', onTouch);
    return () => {
      document.removeEventListener('pointerdown', onTouch);
      document.removeEventListener('keydown', onTouch);
    };
  }, [device, isBlank]);
}
