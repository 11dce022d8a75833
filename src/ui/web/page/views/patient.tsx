/** Of whom the next readings are: a pseudonym and a place of the body, where the configuration allows to say so. */
import { useState } from 'preact/hooks';
import type { PatientContext } from '../../contract.ts';
import { useApp } from '../app-context.ts';
import { useWords } from '../language/language.ts';
import { Keypad } from '../parts/keypad.tsx';
import { Action, Heading, Notice, Sheet } from '../parts/parts.tsx';
import { BodySites } from './body-sites.tsx';
import { Scan } from './scan.tsx';

const NOBODY: PatientContext = { encounter: null, subject: null, bodySite: null };
/** As the device demands. */
const IDENTIFIER = /^[A-Za-z0-9][A-Za-z0-9._/:-]{0,63}$/;
const NUMBERS = ['encounter', 'subject'] as const;
type NumberName = (typeof NUMBERS)[number];
type PatientSheet = 'site' | `scan ${NumberName}` | `type ${NumberName}`;

export function Patient() {
  const { t } = useWords();
  const { state, ask, may } = useApp();
  const [sheet, setSheet] = useState<PatientSheet | null>(null);
  const current = state.context.current ?? NOBODY;
  const close = (): void => setSheet(null);
  const set = async (part: Partial<PatientContext>): Promise<void> => {
    const reply = await ask({ command: 'set-context', context: { ...current, ...part } });
    if (reply.outcome === 'done') close();
  };
  if (sheet === 'site')
    return (
      <BodySites chosen={current.bodySite} onBack={close} onChoose={(bodySite) => void set({ bodySite })} />
    );
  for (const name of NUMBERS) {
    if (sheet === `scan ${name}`)
      return (
        <Scan title={t(`patient.${name}`)} onBack={close} onText={(text) => void set({ [name]: text })} />
      );
    if (sheet === `type ${name}`)
      return (
        <Typed
          name={name}
          start={current[name] ?? ''}
          onBack={close}
          onDone={(text) => void set({ [name]: text })}
        />
      );
  }
  return (
    <section class="patient" aria-labelledby="patient">
      <Heading id="patient">{t('patient.title')}</Heading>
      {state.context.allowed && may('context') ? (
        <>
          {NUMBERS.map((name) => (
            <Identifier
              key={name}
              name={name}
              value={current[name]}
              onOpen={setSheet}
              onRemove={() => void set({ [name]: null })}
            />
          ))}
          <Site
            site={current.bodySite}
            onOpen={() => setSheet('site')}
            onRemove={() => void set({ bodySite: null })}
          />
        </>
      ) : (
        <Notice severity="notice" title={t('patient.off')}>
          <p>{t('patient.off.how')}</p>
        </Notice>
      )}
      <div class="next-patient">
        {may('capture') && (
          <Action kind="main" icon="next" onPress={() => void ask({ command: 'next-patient' })}>
            {t('patient.next')}
          </Action>
        )}
        <p class="hint">
          {t('patient.next.how')} {t('patient.session', { count: state.session.captures })}
        </p>
      </div>
    </section>
  );
}

function Identifier(props: {
  readonly name: NumberName;
  readonly value: string | null;
  readonly onOpen: (sheet: PatientSheet) => void;
  readonly onRemove: () => void;
}) {
  const { t } = useWords();
  const { may } = useApp();
  const { name, value, onOpen } = props;
  return (
    <div class="field-box">
      <h2>{t(`patient.${name}`)}</h2>
      <p class={value === null ? 'value none' : 'value'} dir="auto">
        {value ?? t('patient.none')}
      </p>
      <div class="row">
        {may('pixels') && (
          <Action
            icon="scan"
            label={`${t('patient.scan')}: ${t(`patient.${name}`)}`}
            onPress={() => onOpen(`scan ${name}`)}
          >
            {t('patient.scan')}
          </Action>
        )}
        <Action
          icon="keys"
          label={`${t('patient.type')}: ${t(`patient.${name}`)}`}
          onPress={() => onOpen(`type ${name}`)}
        >
          {t('patient.type')}
        </Action>
        {value !== null && (
          <Action
            icon="close"
            label={`${t('patient.clear')}: ${t(`patient.${name}`)}`}
            onPress={props.onRemove}
          >
            {t('patient.clear')}
          </Action>
        )}
      </div>
    </div>
  );
}

function Site(props: { site: PatientContext['bodySite']; onOpen: () => void; onRemove: () => void }) {
  const { t } = useWords();
  return (
    <div class="field-box">
      <h2>{t('patient.site')}</h2>
      <p class={props.site === null ? 'value none' : 'value'}>
        {props.site === null ? t('patient.site.none') : t(`site.${props.site}`)}
      </p>
      <div class="row">
        <Action icon="body" onPress={props.onOpen}>
          {t('patient.site.choose')}
        </Action>
        {props.site !== null && (
          <Action icon="close" label={`${t('patient.clear')}: ${t('patient.site')}`} onPress={props.onRemove}>
            {t('patient.clear')}
          </Action>
        )}
      </div>
    </div>
  );
}

function Typed(props: {
  name: NumberName;
  start: string;
  onBack: () => void;
  onDone: (text: string) => void;
}) {
  const { t } = useWords();
  return (
    <Sheet title={t(`patient.${props.name}`)} onBack={props.onBack}>
      <Keypad
        layout="identifier"
        isTitled
        label={t(`patient.${props.name}`)}
        hint={t('patient.identifier.how')}
        longest={64}
        start={props.start}
        done={() => t('patient.set')}
        isComplete={(text) => IDENTIFIER.test(text)}
        onDone={props.onDone}
      />
    </Sheet>
  );
}
