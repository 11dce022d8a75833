import type { z } from 'zod';

/** The first thing that a schema found wrong, as field and problem. */
export function firstIssue(error: z.ZodError): { field: string; problem: string } {
  const [issue] = error.issues;
  return {
    field: issue.path.join('.') || 'the document itself',
    problem: issue.message.replace('received undefined', 'received nothing'),
  };
}
