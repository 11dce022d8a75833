import { describe, expect, it } from 'vitest';
import { counted, joined } from '../../../src/ui/terminal/layout.ts';

describe('a line of several parts', () => {
  const parts = ['crop 450×450 at 75,0', '2.9 ms on cpu', '9bd7cafc-5637'];

  it('stays one where there is room', () => {
    expect(joined(parts, '  ', 80)).toBe('  crop 450×450 at 75,0 · 2.9 ms on cpu · 9bd7cafc-5637');
  });

  it('is broken between its parts on a narrow terminal, and no line is longer than that', () => {
    const lines = joined(parts, '  ', 40).split('\n');
    expect(lines).toEqual(['  crop 450×450 at 75,0 · 2.9 ms on cpu', '  9bd7cafc-5637']);
  });
});

describe('a number of things', () => {
  it('is in the singular when there is one', () => {
    expect([0, 1, 2].map((count) => counted(count, 'case'))).toEqual(['0 cases', '1 case', '2 cases']);
    expect(counted(1, 'match', 'matches')).toBe('1 match');
    expect(counted(2, 'match', 'matches')).toBe('2 matches');
  });
});
