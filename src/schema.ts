import type { z } from 'zod';

/** The first thing that a schema found wrong, as field and problem; `expected` as it is read after that word. */
export function firstIssue(error: z.ZodError): { field: string; problem: string; expected: string } {
  const [issue] = error.issues;
  const problem = issue.message.replace('received undefined', 'received nothing');
  return { field: issue.path.join('.') || 'the document itself', problem, expected: expectationIn(problem) };
}

/** Of Zod's own words only what it expects; messages of the project's schemas are that already. */
function expectationIn(problem: string): string {
  const [, expected] = /^(?:Invalid|Too) \w+: expected (.+)$/s.exec(problem) ?? [];
  return expected === undefined ? problem : expected.replaceAll('"|"', ', ').replaceAll('"', '');
}
