import { expect, test } from '@jest/globals';
import { createChangeLedger } from '../../../src/changes/change-ledger.ts';
import { createPartCache, type Reading } from '../../../src/introspection/part-cache.ts';

const reading = (value: string): Reading<string> => ({ value, subjects: ['user:usr_1'], bytes: 10 });

function open() {
  const ledger = createChangeLedger();
  const parts = createPartCache<string>(ledger, 1_000);
  /** A reading that lasts until it is told to end. */
  const begin = () => {
    const { promise, resolve } = Promise.withResolvers<Reading<string>>();
    return { found: parts.find('key', () => promise), end: (value: string) => resolve(reading(value)) };
  };
  const change = (id = 'usr_1') => ledger.note([{ subject: 'user', subject_id: id }]);
  return { ledger, parts, begin, change };
}

test('a reading that a change overtook is not remembered as if it had begun after it', async () => {
  const { parts, begin, change } = open();
  const slow = begin();
  change();
  slow.end('old');
  await slow.found;
  expect(parts.known('key')).toBeUndefined();
});

test('a question does not share a reading that began before a change it knows of', async () => {
  const { parts, begin, change } = open();
  const slow = begin();
  change();
  const next = parts.find('key', async () => reading('new'));
  slow.end('old');
  expect((await next)?.value).toBe('new');
  expect(parts.known('key')?.value).toBe('new');
});

test('questions that come together share one reading', async () => {
  const { parts, begin } = open();
  const slow = begin();
  const next = parts.find('key', async () => reading('read again'));
  slow.end('once');
  expect((await next)?.value).toBe('once');
});

test('a change that overtakes a shared reading has it made anew once, for all who waited', async () => {
  const { parts, begin, change } = open();
  const slow = begin();
  let read = 0;
  const asked = () =>
    parts.find('key', async () => {
      read += 1;
      return reading('new');
    });
  const waiting = [asked(), asked(), asked()];
  change();
  waiting.push(asked(), asked());
  slow.end('old');
  expect((await Promise.all(waiting)).map((part) => part?.value)).toEqual(Array(5).fill('new'));
  expect(read).toBe(1);
});

test('a reading anew that is overtaken as well is given to nobody else', async () => {
  const { parts, begin, change } = open();
  const slow = begin();
  const [first, second] = [begin(), begin()];
  change();
  slow.end('old');
  await slow.found;
  // The first of those who waited reads anew by now, and the second one waits for it.
  await new Promise(setImmediate);
  change();
  first.end('of two moments');
  second.end('new');
  expect((await first.found)?.value).toBe('of two moments');
  expect((await second.found)?.value).toBe('new');
  expect(parts.known('key')?.value).toBe('new');
});

test('a change of something else leaves what is known', async () => {
  const { parts, begin, change } = open();
  const slow = begin();
  change('usr_2');
  slow.end('good');
  await slow.found;
  change('usr_3');
  expect(parts.known('key')?.value).toBe('good');
  change();
  expect(parts.known('key')).toBeUndefined();
});

test('nothing that is absent is remembered, and a failed reading is only that', async () => {
  const { parts } = open();
  expect(await parts.find('key', async () => undefined)).toBeUndefined();
  await expect(parts.find('key', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect((await parts.find('key', async () => reading('now')))?.value).toBe('now');
});

test('what time alone has made wrong is read again, also by a clock that is put back', async () => {
  let now = 5;
  const parts = createPartCache<{ since: number; until: number }>(
    createChangeLedger(),
    1_000,
    ({ since, until }) => since <= now && now < until,
  );
  const read = async () => ({ value: { since: now, until: now + 10 }, subjects: [], bytes: 10 });
  await parts.find('key', read);
  expect(parts.known('key')?.value.since).toBe(5);
  now = 14;
  expect((await parts.find('key', read))?.value.since).toBe(5);
  now = 15;
  expect(parts.known('key')).toBeUndefined();
  expect((await parts.find('key', read))?.value.since).toBe(15);
  now = 14;
  expect(parts.known('key')).toBeUndefined();
});
