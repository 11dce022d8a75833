import { createHash } from 'node:crypto';
import type {
  Bundle,
  BundleEntry,
  Device,
  DiagnosticReport,
  MessageHeader,
  Observation,
  Resource,
} from '@medplum/fhirtypes';
import { isRehearsed } from '../../capture/kinds.ts';
import { type ClassTable, EMPTY_CLASS_TABLE } from '../../model/bundle/class-table.ts';
import type { Label } from '../label.ts';
import { isUnfamiliar, judgementOf, type Result } from '../result.ts';
import {
  classText,
  diagnosisObservation,
  qualityObservation,
  TRIAGE_TEXTS,
  triageObservation,
  UNFAMILIAR_NOTE,
} from './observations.ts';
import { bodySiteOfResult, subjectOf } from './patient.ts';
import { asTestData } from './test-data.ts';
import { fhirString } from './text.ts';
import {
  conclusionCodes,
  confirmedBy,
  reportStatus,
  verdictConclusion,
  verdictObservation,
} from './verdict.ts';

export const FHIR_CONTENT_TYPE = 'application/fhir+json';

/** What happened, for who receives the message. */
export const RESULT_EVENT = 'urn:spikescope:event:result';
export const LABEL_EVENT = 'urn:spikescope:event:label';

/**
 * A result as a FHIR R4 message: header, diagnostic report, its observations, the device; with a verdict on it the same
 * anew. Of a patient there are pseudonyms at most, where the result has them; without, a receiver that knows the patient
 * sets `subject`. All identifiers follow from the result's, so that the same result always makes the same message; only the
 * message itself, and its header, have theirs from the verdict where that is what happened.
 * @param table of the model that read it; without one, classes have the model's own names alone
 * @param label a person's verdict on the result, or its withdrawal
 */
export function messageBundleOf(
  result: Result,
  table: ClassTable = EMPTY_CLASS_TABLE,
  label: Label | null = null,
): Bundle {
  const reference = (role: string) => ({ reference: urnOf(result.id, role) });
  const parts = partsOf(result, table, label, reference);
  const isWithdrawn = label?.verdict === 'withdrawn';
  const named = parts.filter(({ role }) => !(isWithdrawn && role === 'verdict'));
  const report = reportOf(
    result,
    table,
    label,
    named.map(({ role }) => reference(role)),
  );
  // The report of a withdrawn verdict does not name that any more: the message does.
  const focus = isWithdrawn ? [reference('report'), reference('verdict')] : [reference('report')];
  const message = label?.id ?? result.id;
  const entries = [
    entryOf(message, 'header', headerOf(result, label, focus)),
    entryOf(result.id, 'report', report),
    ...parts.map(({ role, resource }) => entryOf(result.id, role, resource)),
    entryOf(result.id, 'device', deviceOf(result)),
  ];
  const bundle: Bundle = {
    resourceType: 'Bundle',
    id: uuidOf(message, 'message'),
    type: 'message',
    timestamp: label?.givenAt ?? result.capturedAt,
    entry: entries,
  };
  return isRehearsed(result.source) ? asTestData(bundle) : bundle;
}

/** The observations by their roles, in the order of the report. */
function partsOf(
  result: Result,
  table: ClassTable,
  label: Label | null,
  reference: (role: string) => { reference: string },
): { role: string; resource: Observation }[] {
  const device = reference('device');
  const judgement = judgementOf(result);
  const references = { device, reading: reference('diagnosis') };
  const byModel = [
    ...(judgement ? [{ role: 'triage', resource: triageObservation(result, judgement, device) }] : []),
    { role: 'diagnosis', resource: diagnosisObservation(result, table, device) },
    ...(result.quality
      ? [{ role: 'quality', resource: qualityObservation(result, result.quality, device) }]
      : []),
  ];
  const known = { ...subjectOf(result), ...bodySiteOfResult(result) };
  return [
    ...(label ? [{ role: 'verdict', resource: verdictObservation(result, label, table, references) }] : []),
    ...byModel.map(({ role, resource }) => ({ role, resource: confirmedBy(label, resource) })),
  ].map(({ role, resource }) => ({ role, resource: { ...resource, ...known } }));
}

function headerOf(
  { device, model }: Result,
  label: Label | null,
  focus: { reference: string }[],
): MessageHeader {
  return {
    resourceType: 'MessageHeader',
    eventUri: label === null ? RESULT_EVENT : LABEL_EVENT,
    source: {
      name: device,
      software: 'spikescope',
      version: fhirString(`${model.name} ${model.version}`),
      endpoint: `urn:spikescope:device:${device}`,
    },
    focus,
  };
}

function reportOf(
  result: Result,
  table: ClassTable,
  label: Label | null,
  observations: { reference: string }[],
): DiagnosticReport {
  const conclusionCode = conclusionCodes(label, table);
  return {
    resourceType: 'DiagnosticReport',
    identifier: [{ system: 'urn:ietf:rfc:3986', value: `urn:uuid:${result.id}` }],
    status: reportStatus(result, label),
    category: [
      { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0074', code: 'IMG' }], text: 'Imaging' },
    ],
    code: { text: 'Automated reading of a dermoscopic image' },
    ...subjectOf(result),
    effectiveDateTime: result.capturedAt,
    issued: label?.givenAt ?? result.capturedAt,
    result: observations,
    conclusion: fhirString(
      `${verdictConclusion(label, table)}${conclusionOf(result, table)} ` +
        'For research and demonstration, not a medical device.',
    ),
    ...(conclusionCode && { conclusionCode }),
  };
}

/** What to do comes first. */
function conclusionOf(result: Result, table: ClassTable): string {
  if (!result.accepted) return `The frame was not read: ${result.reasons.join(', ')}.`;
  const said = classConclusion(result, table);
  const judgement = judgementOf(result);
  const strange = isUnfamiliar(result) ? ` ${UNFAMILIAR_NOTE}` : '';
  return `${judgement ? `${TRIAGE_TEXTS[judgement.triage]}. ` : ''}${said}${strange}`;
}

function classConclusion({ diagnosis, probabilities }: Result, table: ClassTable): string {
  if (diagnosis === 'indeterminate') return 'No class is probable enough.';
  const probability = probabilities[diagnosis];
  const share = probability === undefined ? '' : ` (probability ${probability})`;
  const name = table.has(diagnosis) ? `, ${classText(diagnosis, table)}` : '';
  return `The model’s class is ${diagnosis}${name}${share}.`;
}

function deviceOf({ device, model, backend, head }: Result): Device {
  return {
    resourceType: 'Device',
    identifier: [{ system: 'urn:spikescope:device', value: device }],
    status: 'active',
    deviceName: [{ name: `spikescope ${device}`, type: 'user-friendly-name' }],
    version: [
      { type: { text: 'model' }, value: fhirString(`${model.name} ${model.version}`) },
      { type: { text: 'SHA-256 of the model bundle' }, value: model.digest },
      { type: { text: 'engine' }, value: backend },
      ...(head === undefined ? [] : [{ type: { text: 'SHA-256 of the learned head' }, value: head }]),
    ],
  };
}

function entryOf(id: string, role: string, resource: Resource): BundleEntry {
  return { fullUrl: urnOf(id, role), resource };
}

function urnOf(id: string, role: string): string {
  return `urn:uuid:${uuidOf(id, role)}`;
}

/** A UUID of version 8 (RFC 9562: by a rule of one's own), from SHA-256 of the result's and the part's role. */
function uuidOf(id: string, role: string): string {
  const bytes = createHash('sha256').update(`${id}/${role}`).digest().subarray(0, 16);
  bytes[6] = (bytes[6] & 0x0f) | 0x80;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
