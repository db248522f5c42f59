import { expect, test } from '@jest/globals';
import { coalesce } from '../../../src/resource-server/coalesce.ts';

/** Questions that the test answers by hand, in the order in which they were sent. */
function byHand() {
  const sent: { key: string; answer: (value: string) => void; fail: (error: Error) => void }[] = [];
  const time = { now: 0 };
  const ask = coalesce(
    (key) => new Promise<string>((answer, fail) => sent.push({ key, answer, fail })),
    2_000,
    () => time.now,
  );
  return { sent, ask, time };
}

test('a question never gets an answer that was asked for before it', async () => {
  const { sent, ask } = byHand();
  const first = ask('token');
  const second = ask('token');
  const third = ask('token');
  expect(sent).toHaveLength(1);

  sent[0]?.answer('old');
  expect(await first).toBe('old');
  expect(sent).toHaveLength(2);
  sent[1]?.answer('new');
  expect(await Promise.all([second, third])).toEqual(['new', 'new']);
  expect(sent).toHaveLength(2);
});

test('questions about different tokens do not wait for each other', () => {
  const { sent, ask } = byHand();
  void ask('one');
  void ask('two');
  expect(sent.map(({ key }) => key)).toEqual(['one', 'two']);
});

test('an answer is not kept once it is given', async () => {
  const { sent, ask } = byHand();
  const first = ask('token');
  sent[0]?.answer('a');
  await first;
  const second = ask('token');
  expect(sent).toHaveLength(2);
  sent[1]?.answer('b');
  expect(await second).toBe('b');
});

test('a failure reaches those who shared the question, and nobody behind them', async () => {
  const { sent, ask } = byHand();
  const first = ask('token');
  const second = ask('token');
  sent[0]?.fail(new Error('gone'));
  await expect(first).rejects.toThrow('gone');
  sent[1]?.answer('back');
  expect(await second).toBe('back');
});

test('a newcomer gathers behind the second question while that one is on its way', async () => {
  const { sent, ask } = byHand();
  const first = ask('token');
  const second = ask('token');
  sent[0]?.answer('1');
  await first;
  const third = ask('token');
  sent[1]?.answer('2');
  expect(await second).toBe('2');
  sent[2]?.answer('3');
  expect(await third).toBe('3');
});

test('nobody gathers behind a question that is overdue, which may never come back', async () => {
  const { sent, ask, time } = byHand();
  void ask('token');
  void ask('token');
  time.now = 2_000;
  void ask('token');
  expect(sent).toHaveLength(1);
  time.now = 2_001;
  const fresh = ask('token');
  const gathered = ask('token');
  expect(sent).toHaveLength(2);
  sent[1]?.answer('one');
  expect(await fresh).toBe('one');
  sent[2]?.answer('two');
  expect(await gathered).toBe('two');
});

test('one that comes back after all gives nobody what was asked for before', async () => {
  const { sent, ask, time } = byHand();
  const late = ask('token');
  const behind = ask('token');
  time.now = 2_001;
  const fresh = ask('token');
  const gathered = ask('token');
  sent[0]?.answer('old');
  expect(await late).toBe('old');
  sent[1]?.answer('fresh');
  expect(await fresh).toBe('fresh');
  for (const [index, { answer }] of sent.slice(2).entries()) answer(`new ${index}`);
  expect([await behind, await gathered].every((answer) => answer.startsWith('new'))).toBe(true);
  const { length } = sent;
  void ask('token');
  expect(sent).toHaveLength(length + 1);
});
