/** What the statement of one number makes of what PostgreSQL says. */
import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import type { Connection } from 'pg';
import { createNumberStatement, type NumberStatement } from '../../db/number-statement.ts';

function submitted() {
  const outcomes: unknown[] = [];
  const stream = new PassThrough();
  const statement = createNumberStatement('the_number', (failure, n) => {
    outcomes.push(failure instanceof Error ? failure.message : n);
  });
  statement.submit({ stream } as unknown as Connection);
  return { outcomes, stream, statement };
}
const row = (...fields: (string | null)[]) => ({ fields });

test('asks with Bind, Execute and Sync, and nothing else', () => {
  const { stream } = submitted();
  const sent = stream.read() as Buffer;
  const kinds: string[] = [];
  for (let at = 0; at < sent.length; at += 1 + sent.readUInt32BE(at + 1))
    kinds.push(sent.toString('latin1', at, at + 1));
  expect(kinds).toEqual(['B', 'E', 'S']);
  expect(sent.includes('\0the_number\0')).toBe(true);
});

test('writes nothing to a connection that is over', () => {
  const stream = new PassThrough();
  stream.end();
  expect(() =>
    createNumberStatement('the_number', () => {}).submit({ stream } as unknown as Connection),
  ).not.toThrow();
  expect(stream.read()).toBe(null);
});

test.each<[string, (statement: NumberStatement) => void, unknown]>([
  ['one number', (it) => it.handleDataRow(row('41')), 41],
  ['no row', () => {}, 'the_number is missing'],
  ['a null', (it) => it.handleDataRow(row(null)), 'the_number is no exact number'],
  ['no column', (it) => it.handleDataRow(row()), 'the_number is no exact number'],
  ['two columns', (it) => it.handleDataRow(row('1', '2')), 'the_number is no exact number'],
  ['a word', (it) => it.handleDataRow(row('many')), 'the_number is no exact number'],
  ['an empty text', (it) => it.handleDataRow(row('')), 'the_number is no exact number'],
  [
    'two rows',
    (it) => {
      it.handleDataRow(row('1'));
      it.handleDataRow(row('1'));
    },
    'the_number is no exact number',
  ],
])('%s', (_, say, outcome) => {
  const { outcomes, statement } = submitted();
  say(statement);
  statement.handleCommandComplete();
  expect(outcomes).toEqual([]);
  statement.handleReadyForQuery();
  expect(outcomes).toEqual([outcome]);
});

test('a row of the read before is none of the next', () => {
  const { outcomes, stream, statement } = submitted();
  statement.handleDataRow(row('41'));
  statement.handleReadyForQuery();
  statement.submit({ stream } as unknown as Connection);
  statement.handleReadyForQuery();
  expect(outcomes).toEqual([41, 'the_number is missing']);
});

test.each([
  'handleRowDescription',
  'handlePortalSuspended',
  'handleEmptyQuery',
  'handleCopyInResponse',
  'handleCopyData',
] as const)('%s is not what was asked for', (event) => {
  const { outcomes, statement } = submitted();
  statement[event]();
  expect(outcomes).toEqual(['PostgreSQL answered a question that was not asked']);
});
