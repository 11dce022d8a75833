/** Minutes of a day. */
const DAY = 24 * 60;

/**
 * Minutes that are left of a window at a time; 0 outside of it. A window may go past midnight, and one that begins when it
 * ends is the whole day.
 * @param window `02:00-04:00`, local time; undefined for always
 */
export function minutesLeft(window: string | undefined, time: Date): number {
  if (window === undefined) return Infinity;
  const [from, to] = window.split('-').map(minuteOf);
  const length = (to - from + DAY) % DAY || DAY;
  const since = (time.getHours() * 60 + time.getMinutes() - from + DAY) % DAY;
  return Math.max(0, length - since);
}

function minuteOf(time: string): number {
  const [hours, minutes] = time.split(':').map(Number);
  return hours * 60 + minutes;
}
