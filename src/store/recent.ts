/** The newest readings of the journal with what became of each, for people who look back. */

export const RECENT_READINGS = `
  SELECT reading.sequence, reading.case_id AS id, reading.payload,
    (SELECT capture.payload ->> 'session' FROM records AS capture
      WHERE capture.case_id = reading.case_id AND capture.kind = 'capture') AS session,
    (SELECT label.payload FROM records AS label
      WHERE label.case_id = reading.case_id AND label.kind = 'label'
      ORDER BY label.sequence DESC LIMIT 1) AS label
  FROM records AS reading
  WHERE reading.kind = 'reading' AND reading.sequence < ?
  ORDER BY reading.sequence DESC LIMIT ?`;

export interface RecentRow {
  sequence: number;
  id: string;
  payload: string;
  session: string | null;
  label: string | null;
}

export interface RecentReading {
  readonly sequence: number;
  readonly id: string;
  readonly payload: string;
  readonly session: string;
  /** The last record of kind `label`; null where nothing was said of it. */
  readonly label: string | null;
  /** Whether a broker has still to acknowledge it. */
  readonly waits: boolean;
}

export function recentOfRow(row: RecentRow, waits: (sequence: number) => boolean): RecentReading {
  const { sequence, id, payload, session, label } = row;
  return { sequence, id, payload, session: session ?? id, label, waits: waits(sequence) };
}
