import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { reasonOf, SpikescopeError, systemCodeOf } from '../src/errors.ts';

function faultOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('It did not fail');
}

describe('why something failed', () => {
  const missing = faultOf(() => readFileSync('/nowhere/at all'));
  const folder = faultOf(() => readFileSync('/'));

  it('is in words what the system means, without its call and path', () => {
    expect(reasonOf(missing)).toBe('no such file or directory');
    expect(reasonOf(folder)).toBe('illegal operation on a directory');
  });

  it('is what any other error says, and what is thrown without being one', () => {
    expect(reasonOf(new RangeError('too long'))).toBe('too long');
    expect(reasonOf('thrown')).toBe('thrown');
    expect(reasonOf(Object.assign(new Error('odd'), { errno: 'five' }))).toBe('odd');
    expect(reasonOf(Object.assign(new Error('of no system'), { errno: 12_345 }))).toBe('of no system');
  });

  it('has a code where the system gave one', () => {
    expect([missing, folder].map(systemCodeOf)).toEqual(['ENOENT', 'EISDIR']);
    expect(
      [new Error('none'), 'thrown', null, Object.assign(new Error('a number'), { code: 5 })].map(
        systemCodeOf,
      ),
    ).toEqual([undefined, undefined, undefined, undefined]);
    expect(systemCodeOf(new SpikescopeError('BUNDLE', 'Ours'))).toBe('BUNDLE');
  });
});
