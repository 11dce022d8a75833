import { createHash } from 'node:crypto';
import type {
  Bundle,
  BundleEntry,
  Device,
  DiagnosticReport,
  MessageHeader,
  Resource,
} from '@medplum/fhirtypes';
import { type ClassTable, EMPTY_CLASS_TABLE } from '../../model/bundle/class-table.ts';
import { judgementOf, type Result } from '../result.ts';
import {
  classText,
  diagnosisObservation,
  qualityObservation,
  TRIAGE_TEXTS,
  triageObservation,
} from './observations.ts';
import { fhirString } from './text.ts';

export const FHIR_CONTENT_TYPE = 'application/fhir+json';

/** What happened, for who receives the message. */
export const RESULT_EVENT = 'urn:spikescope:event:result';

/**
 * A result as a FHIR R4 message: header, diagnostic report, its observations, the device. There is no patient in it:
 * the device knows none; a receiver that does sets `subject`. All identifiers follow from the result's, so that the
 * same result always makes the same message.
 * @param table of the model that read it; without one, classes have the model's own names alone
 */
export function messageBundleOf(result: Result, table: ClassTable = EMPTY_CLASS_TABLE): Bundle {
  const reference = (role: string) => ({ reference: urnOf(result.id, role) });
  const device = reference('device');
  const judgement = judgementOf(result);
  const observations = [
    ...(judgement ? [{ role: 'triage', resource: triageObservation(result, judgement, device) }] : []),
    { role: 'diagnosis', resource: diagnosisObservation(result, table, device) },
    ...(result.quality
      ? [{ role: 'quality', resource: qualityObservation(result, result.quality, device) }]
      : []),
  ];
  const report = reportOf(
    result,
    table,
    observations.map(({ role }) => reference(role)),
  );
  const entries: BundleEntry[] = [
    entryOf(result.id, 'header', headerOf(result, reference('report'))),
    entryOf(result.id, 'report', report),
    ...observations.map(({ role, resource }) => entryOf(result.id, role, resource)),
    entryOf(result.id, 'device', deviceOf(result)),
  ];
  return {
    resourceType: 'Bundle',
    id: uuidOf(result.id, 'message'),
    type: 'message',
    timestamp: result.capturedAt,
    entry: entries,
  };
}

function headerOf({ device, model }: Result, focus: { reference: string }): MessageHeader {
  return {
    resourceType: 'MessageHeader',
    eventUri: RESULT_EVENT,
    source: {
      name: device,
      software: 'spikescope',
      version: fhirString(`${model.name} ${model.version}`),
      endpoint: `urn:spikescope:device:${device}`,
    },
    focus: [focus],
  };
}

/** Preliminary: no clinician has looked at it. */
function reportOf(
  result: Result,
  table: ClassTable,
  observations: { reference: string }[],
): DiagnosticReport {
  return {
    resourceType: 'DiagnosticReport',
    identifier: [{ system: 'urn:ietf:rfc:3986', value: `urn:uuid:${result.id}` }],
    status: result.accepted ? 'preliminary' : 'cancelled',
    category: [
      { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0074', code: 'IMG' }], text: 'Imaging' },
    ],
    code: { text: 'Automated reading of a dermoscopic image' },
    effectiveDateTime: result.capturedAt,
    issued: result.capturedAt,
    result: observations,
    conclusion: fhirString(
      `${conclusionOf(result, table)} For research and demonstration, not a medical device.`,
    ),
  };
}

/** What to do comes first. */
function conclusionOf(result: Result, table: ClassTable): string {
  if (!result.accepted) return `The frame was not read: ${result.reasons.join(', ')}.`;
  const said = classConclusion(result, table);
  const judgement = judgementOf(result);
  return judgement ? `${TRIAGE_TEXTS[judgement.triage]}. ${said}` : said;
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
