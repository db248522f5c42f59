import { describe, expect, test } from '@jest/globals';
import { operations } from '../../../src/admin/api/operations.ts';
import { isOpenToTokens } from '../../../src/admin/api/over-token.ts';
import { type Member, readValue } from '../../../src/commands/administration-options.ts';
import { nouns, otherCommands, withoutCommand } from '../../../src/commands/administration-table.ts';
import { candidatesFor } from '../../../src/commands/completion.ts';
import { documentText } from '../../../src/commands/document-text.ts';
import { durationOf, writtenDuration } from '../../../src/policies/duration.ts';
import { movableClock } from '../../support/clock.ts';
import { runCommandHere } from '../../support/command-line.ts';

const verbs = Object.values(nouns).flatMap((noun) => Object.values(noun.verbs));

test('every operation has a command, or a reason why it has none', () => {
  const named = [...verbs, ...Object.keys(otherCommands), ...Object.keys(withoutCommand)];
  expect(named.sort()).toEqual(operations.map(({ id }) => id).sort());
  for (const reason of Object.values(withoutCommand)) expect(reason.split(' ').length).toBeGreaterThan(5);
});

test('a command stands only for what a token may ask for, and whatever a token may change has one', () => {
  const closed = new Set(operations.filter((one) => !isOpenToTokens(one)).map(({ id }) => id));
  expect(verbs.filter((id) => closed.has(id))).toEqual([]);
  const changing = operations.filter((one) => isOpenToTokens(one) && one.method !== 'get');
  expect(changing.filter(({ id }) => id in withoutCommand)).toEqual([]);
});

test('commands of another form are commands', async () => {
  const { stdout } = await runCommandHere(['--help'], {});
  for (const command of new Set(Object.values(otherCommands)))
    expect(stdout).toMatch(new RegExp(`^ {2}${command.split(' ')[0]}\\b`, 'm'));
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
    expect([null, 90, 3_600, 86_400, 90_000].map(writtenDuration)).toEqual([
      'none',
      '90s',
      '1h',
      '1d',
      '25h',
    ]);
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
