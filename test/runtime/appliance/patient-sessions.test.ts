import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type LastCapture,
  PatientSessions,
  SESSION_REST,
} from '../../../src/runtime/appliance/patient-sessions.ts';

/** Clocks that a test sets. */
class Time {
  now = 1e12;
  since = 0;
  wall = () => this.now;
  steady = () => this.since;

  pass(milliseconds: number): void {
    this.now += milliseconds;
    this.since += milliseconds;
  }
}

const rests = fc.array(fc.integer({ min: 0, max: 2 * SESSION_REST }), { minLength: 1, maxLength: 20 });

describe('patient sessions', () => {
  it('last while captures follow each other, and end with a rest', () => {
    fc.assert(
      fc.property(rests, (pauses) => {
        const time = new Time();
        const sessions = new PatientSessions(null, time);
        let last = sessions.next();
        for (const pause of pauses) {
          time.pass(pause);
          const next = sessions.next();
          expect(next === last).toBe(pause < SESSION_REST);
          last = next;
        }
      }),
    );
  });

  it('are the same with a restart before any capture as without', () => {
    fc.assert(
      fc.property(rests, (pauses) => {
        const time = new Time();
        const journal: LastCapture[] = [];
        for (const pause of [0, ...pauses]) {
          time.pass(pause);
          time.since = 0; // the steady clock begins anew
          const session = new PatientSessions(journal.at(-1) ?? null, time).next();
          if (journal.length > 0) expect(session === journal.at(-1)?.session).toBe(pause < SESSION_REST);
          journal.push({ session, capturedAt: new Date(time.now).toISOString() });
        }
      }),
    );
  });

  it('last when the clock is set, forwards or backwards, and when it was wrong at the start', () => {
    const time = new Time();
    const sessions = new PatientSessions(null, time);
    const session = sessions.next();
    for (const jump of [9 * SESSION_REST, -99 * SESSION_REST]) {
      time.now += jump;
      expect(sessions.next()).toBe(session);
    }
    const before = { session, capturedAt: new Date(time.now).toISOString() };
    time.now = 0;
    expect(new PatientSessions(before, time).next()).toBe(session);
  });
});
