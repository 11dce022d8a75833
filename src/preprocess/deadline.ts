/** What work that took too long is rejected with. */
export class DeadlineError extends Error {
  constructor(seconds: number) {
    super(`no answer within ${seconds} s`);
    this.name = 'DeadlineError';
  }
}

/**
 * The work's outcome, or a rejection once its time is over. Work that nothing can end, such as a decoder's in its thread,
 * goes on unheard: whoever waits is free, and a later outcome is dropped.
 * @throws DeadlineError
 */
export async function within<Value>(seconds: number, work: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DeadlineError(seconds)), seconds * 1000);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
