import { describe, expect, test } from '@jest/globals';
import { operations } from '../../../src/admin/api/operations.ts';
import { isOpenToTokens } from '../../../src/admin/api/over-token.ts';
import { durationOf, type Member, readValue } from '../../../src/commands/administration-options.ts';
import { elsewhere, nouns } from '../../../src/commands/administration-table.ts';
import { candidatesFor } from '../../../src/commands/completion.ts';
import { documentText } from '../../../src/commands/document-text.ts';
import { movableClock } from '../../support/clock.ts';

test('every operation that a token may ask for has a command, and no command stands for another', () => {
  const commanded = [...Object.values(nouns).flatMap(({ verbs }) => Object.values(verbs)), ...elsewhere];
  const open = operations.filter(isOpenToTokens).map(({ id }) => id);
  expect([...commanded].sort()).toEqual([...open].sort());
});

describe('what is typed', () => {
  const member = (shape: Member['shape']): Member => ({
    name: 'x',
    flag: 'x',
    shape,
    refersTo: 'role',
    required: false,
    description: '',
  });
  const clock = movableClock();

  test.each<[Member['shape'], string | string[], unknown]>([
    ['text', 'a', 'a'],
    ['integer', '12', 12],
    ['yes-no', 'no', false],
    ['list', ['a,b', ' c '], ['a', 'b', 'c']],
    ['list', ['none'], []],
    ['reference', 'editor', { kind: 'role', name: 'editor' }],
    ['reference', 'none', null],
    [
      'references',
      ['a,b'],
      [
        { kind: 'role', name: 'a' },
        { kind: 'role', name: 'b' },
      ],
    ],
    [
      'projects',
      ['atlas=a'],
      [{ id: { kind: 'project', name: 'atlas' }, role_ids: [{ kind: 'role', name: 'a' }] }],
    ],
    ['projects', ['none'], []],
    ['duration', '12h', 43_200],
    ['duration', 'none', null],
    ['instant', '2026-11-22T10:00Z', 1_795_341_600],
    ['json', '{"a":1}', { a: 1 }],
  ])('as %s %j is understood', (shape, typed, meant) => {
    expect(readValue(member(shape), typed, clock)).toEqual(meant);
  });

  test.each<[Member['shape'], string]>([
    ['integer', '1.5'],
    ['yes-no', 'perhaps'],
    ['duration', '12 weeks'],
    ['instant', 'yesterday'],
    ['json', '{'],
  ])('as %s %j is not', (shape, typed) => {
    expect(() => readValue(member(shape), typed, clock)).toThrow('--x');
  });

  test('a time counts back from now where an instant is wanted', () => {
    expect(readValue(member('instant'), '7d', clock)).toBe(clock.now() - 7 * 86_400);
    expect(durationOf('90s')).toBe(90);
  });
});

test('what strangers named cannot move the cursor', () => {
  const text = documentText({ items: [{ id: 'a', name: 'evil\u001b[2Jname\nnext' }], next: 'b' });
  expect(text).not.toContain('\u001b');
  expect(text.split('\n')).toHaveLength(3);
  expect(documentText({ name: 'evil\u001b[2J', at: 0 })).not.toContain('\u001b');
});

test('nothing is completed where a value of one’s own is wanted', async () => {
  const { Command } = await import('commander');
  const program = new Command('mandate');
  program.command('keys').command('create').option('--name <text>').option('--json');
  expect(candidatesFor(program, ['keys', 'create', '--name', ''])).toEqual([]);
  expect(candidatesFor(program, ['ke'])).toEqual(['keys']);
  expect(candidatesFor(program, ['keys', 'create', '--j'])).toEqual(['--json']);
});
