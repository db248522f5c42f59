import { describe, expect, test } from '@jest/globals';
import { shownInstant, table } from '../../../src/commands/table.ts';

describe('a table', () => {
  test('aligns its columns and leaves no blanks at the end of a line', () => {
    const rows = [
      ['ID', 'NAME'],
      ['usr_1', 'Ada'],
      ['u', 'Bo'],
    ];
    expect(table(rows)).toBe('ID     NAME\nusr_1  Ada\nu      Bo');
  });

  test('lets no name steer the terminal', () => {
    expect(table([['\u001b[2J\rAda\n\u202eevil\u200b\u2028']])).toBe(
      '\ufffd[2J\ufffdAda\ufffd\ufffdevil\ufffd\ufffd',
    );
  });

  test('shows instants in UTC', () => {
    expect(shownInstant(0)).toBe('1970-01-01 00:00Z');
    expect(shownInstant(null, 'never')).toBe('never');
  });
});
