/**
 * Words that server and page share, without anything to load: paths, headers, languages, and the keys of every text that the
 * server may ask the page to show. The page has a text for each key in each language; a test compares.
 */

/** Languages of the page, BCP 47. */
export const LANGUAGES = ['en', 'de', 'fr', 'es', 'pt', 'sw', 'hi'] as const;
export type Language = (typeof LANGUAGES)[number];

export const THEMES = ['light', 'dark', 'contrast'] as const;
export type Theme = (typeof THEMES)[number];

/** Where the server answers. */
export const PATHS = {
  /** GET: what a page needs before anything else, among it the token for commands. */
  start: '/api/start',
  /** GET: server-sent events, each of type `state` with a whole `ScreenState`. */
  events: '/api/events',
  /** GET: the same once. */
  state: '/api/state',
  /** POST: a `ScreenCommand`; answered by a `CommandReply`. */
  command: '/api/command',
  /** POST: `{"code": "…"}` from a device that is to be paired. */
  pair: '/api/pair',
  /** GET: a frame of the viewfinder, JPEG. `?after=ID` waits a moment for a newer one. */
  frame: '/api/frame',
  /** GET: the frame of the last capture, JPEG. */
  frozen: '/api/frozen',
  /** GET: what of it the model went by, as a `SaliencyOverlay`. */
  saliency: '/api/saliency',
  /** GET: a `HistoryPage`; `?before=SEQUENCE&limit=1…100&find=TEXT`, each optional. */
  history: '/api/history',
} as const;

/** Header of every command: the token of this start, from `PATHS.start`. */
export const TOKEN_HEADER = 'x-screen-token';

/** Headers of a frame. Places are in shares of the frame: x and radius of its width, y of its height. */
export const FRAME_HEADERS = {
  /** Counts up; the `after` of the next question. */
  id: 'x-frame-id',
  /** ISO 8601, UTC, by the clock of the device. */
  time: 'x-frame-time',
  /** Milliseconds since the camera gave it, when it was sent. */
  age: 'x-frame-age',
  /** Sharpness as a share of what a capture needs: 1 and more is enough. */
  focus: 'x-frame-focus',
  /** One of `EXPOSURES`. */
  exposure: 'x-frame-exposure',
  /** The round field as `x,y,radius`; `none` where the frame has none. */
  field: 'x-frame-field',
  /** On a frozen frame: the id of the result. */
  result: 'x-frame-result',
  /** On a frozen frame: the square that was read, as `x,y,width,height`; `none` for a retake. */
  square: 'x-frame-square',
} as const;

export const EXPOSURES = ['good', 'dark', 'bright', 'clipped', 'flat'] as const;
export type Exposure = (typeof EXPOSURES)[number];

/** Milliseconds after which a frame is no view of what is there now. */
export const STALE_AFTER = 500;

/** What a client may do. Pixels are for the device's own display alone. */
export const RIGHTS = [
  /** State, readings, status. Every client has it. */
  'see',
  /** Viewfinder, frozen frame, overlay; never beyond loopback. */
  'pixels',
  'capture',
  /** Confirm, correct, add a class, undo. */
  'teach',
  /** See, set and clear what patient the readings are of; next patient. */
  'context',
  'history',
  /** PIN, settings, pairing; never beyond loopback. */
  'settings',
] as const;
export type Right = (typeof RIGHTS)[number];

/** Whom a client is: the device's own display, or one that was paired as one of the others. */
export const ROLES = ['display', 'clinician', 'observer'] as const;
export type Role = (typeof ROLES)[number];

/** Parts of the device that have a line in the view of its status, in the order of the view. */
export const PARTS = ['camera', 'card', 'broker', 'storage', 'clock', 'update', 'learning'] as const;
export type Part = (typeof PARTS)[number];

/** `notice`: to be known. `warning`: works, but something is to be done. `fault`: does not work. */
export const SEVERITIES = ['ok', 'notice', 'warning', 'fault'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** How each part may be. Values named in braces come beside the key. */
export const STATUS_KEYS = [
  'camera.ok',
  'camera.starting',
  /** No camera is found, or its program is not installed. */
  'camera.absent',
  /** It is there and gives no frames. */
  'camera.silent',
  /** Several captures in a row out of focus: the lens may be dirty. */
  'camera.lens',
  'camera.ended',
  /** Drawings or a folder instead of a camera. */
  'camera.demonstration',
  'card.ok',
  'card.none',
  /** The processor reads in its place. */
  'card.lost',
  'broker.ok',
  /** {waiting} messages wait. */
  'broker.away',
  'broker.refused',
  'broker.embedded',
  'storage.ok',
  /** {megabytes} are left. */
  'storage.low',
  'storage.full',
  'storage.failed',
  'clock.ok',
  'clock.unsynchronised',
  'clock.unknown',
  'update.none',
  /** {percent} of {stage}. */
  'update.running',
  /** {version} waits for the next start. */
  'update.pending',
  /** {version} is being watched. */
  'update.trial',
  /** {version} */
  'update.done',
  'update.failed',
  'learning.on',
  'learning.off',
] as const;
export type StatusKey = (typeof STATUS_KEYS)[number];

/** What somebody can do about it. */
export const REMEDY_KEYS = [
  'remedy.camera.connect',
  'remedy.camera.restart',
  'remedy.camera.clean',
  'remedy.card.service',
  'remedy.broker.network',
  'remedy.broker.rights',
  'remedy.storage.free',
  'remedy.storage.service',
  'remedy.clock.network',
  'remedy.update.retry',
  'remedy.update.restart',
  'remedy.again',
  'remedy.service',
] as const;
export type RemedyKey = (typeof REMEDY_KEYS)[number];

/** What has just gone wrong; `fault.other` shows the code. */
export const FAULT_KEYS = [
  'fault.camera',
  'fault.no-frame',
  'fault.engine',
  'fault.storage-full',
  'fault.storage',
  'fault.learning-unavailable',
  'fault.reading-gone',
  'fault.label',
  'fault.other',
] as const;
export type FaultKey = (typeof FAULT_KEYS)[number];

/** Why a command was not done. */
export const REFUSAL_CODES = [
  /** No right to it, or the settings are locked. */
  'SCREEN_DENIED',
  'SCREEN_LOCKED',
  /** No command of this version. */
  'SCREEN_MALFORMED',
  /** It means nothing in the present state. */
  'SCREEN_NOT_NOW',
  /** It is about another reading than the one that waits. */
  'SCREEN_READING_GONE',
  /** More than the server takes in this time. */
  'SCREEN_BUSY',
  'SCREEN_PIN_WRONG',
  /** The configuration does not allow to say whose readings these are. */
  'SCREEN_CONTEXT_DENIED',
  'SCREEN_SCAN_NOTHING',
  'SCREEN_CODE_WRONG',
  'LABEL_INVALID',
] as const;
export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** Why there is no frame to show. */
export const NO_FRAME_CODES = ['FRAME_STALE', 'FRAME_ABSENT', 'FRAME_UNREADABLE'] as const;
export type NoFrameCode = (typeof NO_FRAME_CODES)[number];

/** Why a capture must be taken again; the page says how to do better. */
export const RETAKE_KEYS = [
  'too-small',
  'flat',
  'clipped',
  'dark',
  'bright',
  'torn',
  'out-of-focus',
  'out-of-scope',
  'unreadable',
  'failed',
] as const;
export type RetakeKey = (typeof RETAKE_KEYS)[number];

/**
 * Places of the body that can be chosen, by the names that the page shows. Right and left are the patient's. The device
 * sends their SNOMED CT codes.
 */
export const BODY_SITES = [
  'scalp',
  'face',
  'ear-right',
  'ear-left',
  'neck',
  'chest',
  'abdomen',
  'upper-back',
  'lower-back',
  'buttock',
  'groin',
  'shoulder-right',
  'shoulder-left',
  'upper-arm-right',
  'upper-arm-left',
  'forearm-right',
  'forearm-left',
  'hand-right',
  'hand-left',
  'thigh-right',
  'thigh-left',
  'lower-leg-right',
  'lower-leg-left',
  'foot-right',
  'foot-left',
] as const;
export type BodySite = (typeof BODY_SITES)[number];
