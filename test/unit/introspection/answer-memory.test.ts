import { hash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { type ChangeLedger, createChangeLedger } from '../../../src/changes/change-ledger.ts';
import { type CommonAnswer, createAnswerMemory } from '../../../src/introspection/answer-memory.ts';
import { movableClock } from '../../support/clock.ts';

const question = (name: unknown) => hash('sha256', String(name), 'base64');
const megabyte = 1_024 * 1_024;

function open({ mostBytes = megabyte, most }: { mostBytes?: number; most?: number } = {}) {
  const ledger = createChangeLedger();
  const clock = movableClock();
  const memory = createAnswerMemory({ ledger, clock, mostBytes }, most);
  const now = clock.now();
  /** What is said about tokens of one authorization, the first of which was issued now. */
  const common = (id: string, { endsAt = now + 600 }: { endsAt?: number } = {}): CommonAnswer => ({
    wording: { head: `{"id":"${id}","iat":`, tail: '}', endsAt },
    until: Number.POSITIVE_INFINITY,
    since: Number.NEGATIVE_INFINITY,
    subjects: [[`authorization:${id}`], ['user:usr_1'], []],
    first: {
      body: `{"id":"${id}","iat":${now},"exp":${Math.min(now + 60, endsAt)}}`,
      authorizationId: id,
      caller: 'acme-api',
      counter: { n: 0 },
      toldAt: 0,
      issuedAt: now,
      end: Math.min(now + 60, endsAt),
    },
    position: ledger.position,
    number: 0,
    among: [],
  });
  const times = (age = 0) => ({ issuedAt: now - age, expiresAt: now + 60 - age });
  return { ledger, clock, memory, now, common, times };
}

const change = (ledger: ChangeLedger, id: string) =>
  ledger.note([{ subject: 'authorization', subject_id: id }]);

test('tokens that have an answer in common are each told their own times', () => {
  const { memory, common, times, now, ledger } = open();
  const one = common('az_1');
  memory.remember(question('a'), one, times(), ledger.position);
  memory.remember(question('b'), one, times(5), ledger.position);
  expect(memory.recall(question('a'))?.body).toBe(`{"id":"az_1","iat":${now},"exp":${now + 60}}`);
  expect(memory.recall(question('b'))?.body).toBe(`{"id":"az_1","iat":${now - 5},"exp":${now + 55}}`);
  expect(memory.recall(question('c'))).toBeUndefined();
});

test('nobody is told of an end later than that of the rights, nor of one where there is none', () => {
  const { memory, common, times, now } = open();
  expect(memory.say(common('az_1', { endsAt: now + 10 }), times(5)).body).toContain(`"exp":${now + 10}}`);
  const endless = common('az_2', { endsAt: Number.POSITIVE_INFINITY });
  const never = { issuedAt: now - 5, expiresAt: Number.POSITIVE_INFINITY };
  expect(memory.say(endless, never).body).toBe(`{"id":"az_2","iat":${now - 5}}`);
});

test('a change of anything that it depends on ends the answers about all its tokens, and no others', () => {
  const { memory, common, times, ledger } = open();
  const [one, two] = [common('az_1'), common('az_2')];
  memory.remember(question('a'), one, times(), ledger.position);
  memory.remember(question('b'), one, times(5), ledger.position);
  memory.remember(question('c'), two, times(), ledger.position);
  change(ledger, 'az_1');
  expect(memory.recall(question('a')) ?? memory.recall(question('b'))).toBeUndefined();
  expect(memory.recall(question('c'))).toBeDefined();
  ledger.note([{ subject: 'user', subject_id: 'usr_1' }]);
  expect(memory.recall(question('c'))).toBeUndefined();
});

test('a token that was read before a change is not remembered with an answer from after it', () => {
  const { memory, common, times, ledger } = open();
  const readAt = ledger.position;
  // This may have been the end of the very token.
  change(ledger, 'az_1');
  const after = common('az_1');
  memory.remember(question('a'), after, times(), readAt);
  expect(memory.recall(question('a'))).toBeUndefined();
  expect(memory.holds(after)).toBe(true);
  expect(memory.heldSince(after, readAt)).toBe(false);
});

test('a token that was read before a change of something else is remembered', () => {
  const { memory, common, times, ledger } = open();
  const readAt = ledger.position;
  change(ledger, 'az_2');
  memory.remember(question('a'), common('az_1'), times(), readAt);
  expect(memory.recall(question('a'))).toBeDefined();
});

test('a token that has expired is not answered from memory, nor before the time from which that is right', () => {
  const { memory, common, times, ledger, clock, now } = open();
  memory.remember(question('a'), common('az_1'), times(50), ledger.position);
  memory.remember(question('b'), { ...common('az_2'), until: now + 5 }, times(), ledger.position);
  memory.remember(question('c'), { ...common('az_3'), since: now }, times(), ledger.position);
  clock.advance(4);
  for (const name of ['a', 'b', 'c']) expect(memory.recall(question(name))).toBeDefined();
  clock.advance(1);
  expect(memory.recall(question('b'))).toBeUndefined();
  clock.advance(5);
  expect(memory.recall(question('a'))).toBeUndefined();
  clock.advance(-11);
  expect(memory.recall(question('c'))).toBeUndefined();
});

test('stays within its bytes, of many authorizations and of many tokens each', () => {
  const mostBytes = 300_000;
  const { memory, common, times, ledger } = open({ mostBytes });
  const few = common('az_0');
  for (let n = 0; n < 20_000; n++) {
    memory.remember(question(n), n % 2 ? few : common(`az_${n}`), times(n % 50), ledger.position);
    memory.recall(question(n));
    expect(memory.bytes).toBeLessThanOrEqual(mostBytes);
  }
});

test('many tokens of authorizations that fill it make room among these', () => {
  const mostBytes = 300_000;
  const { memory, common, times, ledger } = open({ mostBytes });
  const commons = Array.from({ length: 1_000 }, (_, n) => common(`az_${n}`));
  for (const [n, one] of commons.entries()) memory.remember(question(n), one, times(), ledger.position);
  const full = memory.bytes;
  for (let n = 0; n < 5_000; n++) {
    memory.remember(question(`more ${n}`), commons[n % 100] as CommonAnswer, times(), ledger.position);
    expect(memory.bytes).toBeLessThanOrEqual(mostBytes);
  }
  expect(full).toBeGreaterThan(0.9 * mostBytes);
});

test('an answer that made room is remembered again under another number', () => {
  const { memory, common, times, ledger } = open({ mostBytes: 20_000 });
  const one = common('az_1');
  const ask = (name: string, of: CommonAnswer) => {
    for (let time = 0; time < 2; time++) memory.remember(question(name), of, times(), ledger.position);
  };
  ask('a', one);
  for (let n = 2; n < 200; n++) ask(`other ${n}`, common(`az_${n}`));
  expect(memory.recall(question('a'))).toBeUndefined();
  ask('a', one);
  expect(memory.recall(question('a'))?.authorizationId).toBe('az_1');
});

test('what is not remembered, or makes room, is not kept for the sake of other tokens either', () => {
  const mostBytes = 60_000;
  const { memory, common, times, ledger } = open({ mostBytes });
  const among: { name: string; common: CommonAnswer }[] = [];
  for (let n = 0; n < 600; n++) {
    const name = String(n % 300);
    const one = { ...common(`az_${name}`), among };
    among.push({ name, common: one });
    memory.remember(question(name), one, times(), ledger.position);
    // Its own takes more than 600 bytes.
    expect(among.length).toBeLessThanOrEqual(mostBytes / 600);
  }
  expect(among.length).toBeGreaterThan(10);
  for (const { name, common: one } of among) {
    expect(memory.recall(question(name))?.authorizationId).toBe(one.first.authorizationId);
  }
});

test('no number ever means two answers: when they are used up, all is forgotten', () => {
  const { memory, common, times, ledger } = open({ most: 10 });
  const commons = Array.from({ length: 35 }, (_, n) => common(`az_${n}`));
  for (const [n, one] of commons.entries()) {
    memory.remember(question(n), one, times(), ledger.position);
    for (let asked = 0; asked <= n; asked++) {
      const recalled = memory.recall(question(asked));
      if (recalled) expect(recalled.authorizationId).toBe(`az_${asked}`);
    }
    expect(memory.recall(question(n))).toBeDefined();
  }
  // One from before has another's number by now.
  memory.remember(question('again'), commons[3] as CommonAnswer, times(), ledger.position);
  expect(memory.recall(question('again'))?.authorizationId).toBe('az_3');
});

test('its use is told of once for all its tokens in a while', () => {
  const { memory, common, times, ledger, clock } = open();
  const one = common('az_1');
  for (const age of [0, 1, 2]) memory.remember(question(age), one, times(age), ledger.position);
  const isDue = (name: number) => {
    const { toldAt = 0 } = memory.recall(question(name)) ?? {};
    return clock.now() - toldAt >= 5;
  };
  expect([1, 2, 1].map(isDue)).toEqual([true, false, false]);
  clock.advance(5);
  expect([2, 1].map(isDue)).toEqual([true, false]);
});
