/** What listeners are told and when, with a feed that a test writes. */
import { afterEach, expect, test } from '@jest/globals';
import type { ChangeBatch, ChangeFeed } from '../../../src/changes/change-feed.ts';
import { type ChangeStream, createChangeStream, type Listener } from '../../../src/changes/change-stream.ts';
import type { Catalogue } from '../../../src/policy/vocabulary.ts';
import { movableClock } from '../../support/clock.ts';

const catalogue = new Map([['api', { name: 'api', bound: 'organization' }]]) as unknown as Catalogue;
const guards = { apiAudiences: ['https://acme.example/api'], mcpServers: [] };
const nothing: Omit<ChangeBatch, 'to'> = {
  flush: false,
  authorizations: new Map(),
  guardsChanged: false,
  resourceServers: new Set(),
};
const changed = (to: number, ...ids: string[]): ChangeBatch => ({
  ...nothing,
  to,
  authorizations: new Map(
    ids.map((id) => [id, { version: 2, seq: to, reaches: [{ capabilities: ['api'] }] }]),
  ),
});
const turns = async () => {
  await new Promise((resolve) => void setTimeout(resolve, 60));
};

let stream: ChangeStream | undefined;
afterEach(() => stream?.end());

function start() {
  const batches = new Map<number, ChangeBatch>();
  const state = {
    latest: 10,
    now: 1_000,
    failure: undefined as Error | undefined,
    asked: 0,
    guards,
    batches,
  };
  const failures: unknown[] = [];
  const feed: ChangeFeed = {
    async latest() {
      state.asked += 1;
      if (state.failure) throw state.failure;
      return state.latest;
    },
    async since(seq) {
      const batch = batches.get(seq);
      if (!batch) throw new Error(`nothing after ${seq}`);
      return batch;
    },
  };
  const made = createChangeStream({
    feed,
    catalogue,
    clock: movableClock(1_790_000_000),
    monotonic: () => state.now,
    guardedBy: async () => state.guards,
    onFailure: (error) => failures.push(error),
  });
  stream = made;
  const listen = (change: Partial<Listener> = {}) => {
    const heard = { text: '', ended: false, backlog: 0, forget: () => {} };
    heard.forget = made.add({
      callerId: 'rs_1',
      guards,
      after: 10,
      flush: false,
      openedAt: 900,
      sink: {
        write: (text) => {
          heard.text += text;
        },
        backlogBytes: () => heard.backlog,
        end: () => {
          heard.ended = true;
        },
      },
      ...change,
    });
    return heard;
  };
  const move = (batch: ChangeBatch) => {
    batches.set(state.latest, batch);
    state.latest = batch.to;
  };
  return { state, listen, move, failures, made };
}

test('proves at once that nothing is missing, and again twice a second, counted from the request', async () => {
  const { state, listen } = start();
  const heard = listen();
  await turns();
  expect(heard.text).toBe('retry: 250\n\n: alive 100 1790000000\nid: 10\n\n');
  state.now += 499;
  await turns();
  expect(heard.text).not.toContain('alive 599');
  state.now += 1;
  await turns();
  expect(heard.text).toContain(': alive 600 1790000000\nid: 10\n\n');
});

test('tells of a change before the proof that covers it', async () => {
  const { listen, move } = start();
  const heard = listen();
  await turns();
  move(changed(12, 'az_1'));
  await turns();
  const event = 'event: authorization\ndata: {"id":"az_1","version":2,"seq":12}\n\n';
  expect(heard.text).toContain(`${event}: alive 100 1790000000\nid: 12\n\n`);
});

test('says nothing when the database cannot be asked, reports it once, and tells everything afterwards', async () => {
  const { state, listen, move, failures } = start();
  const heard = listen();
  await turns();
  const before = heard.text;
  state.failure = new Error('gone');
  state.now += 5_000;
  move(changed(11, 'az_1'));
  await turns();
  expect(heard.text).toBe(before);
  expect(failures).toHaveLength(1);
  state.failure = undefined;
  await turns();
  expect(heard.text).toContain('"id":"az_1"');
});

test('ends the stream of whoever changed itself, and of nobody else', async () => {
  const { listen, move } = start();
  const [own, other] = [listen(), listen({ callerId: 'rs_2' })];
  await turns();
  move({ ...nothing, to: 11, resourceServers: new Set(['rs_1']) });
  await turns();
  expect([own.ended, other.ended]).toEqual([true, false]);
  expect(own.text).toContain('event: flush\ndata: {"seq":11}\n\n: alive 100 1790000000\nid: 11\n\n');
  expect(other.text).not.toContain('flush');
});

test('what a listener guarded when something changed decides, not what it guards since', async () => {
  const { state, listen, move } = start();
  const behind = listen();
  await turns();
  // Another one is told first that a server is gone, which is read with what the first one is told.
  move(changed(11, 'az_1'));
  const ahead = listen({ callerId: 'rs_2', after: 11 });
  state.batches.set(11, { ...nothing, to: 12, flush: true, guardsChanged: true });
  state.latest = 12;
  state.guards = { apiAudiences: [], mcpServers: [] };
  await turns();
  expect(ahead.text).toContain('event: flush\ndata: {"seq":12}');
  expect(behind.text).toContain('"id":"az_1"');
});

test('lets a slow consumer go with nothing half told, and goes on with the others', async () => {
  const { listen, move, made } = start();
  const [slow, quick] = [listen(), listen()];
  await turns();
  const before = slow.text;
  slow.backlog = 300_000;
  move(changed(11, 'az_1'));
  await turns();
  expect([slow.ended, slow.text]).toEqual([true, before]);
  expect(quick.text).toContain('az_1');
  expect(made.count()).toBe(1);
});

test('tells to forget everything when the counter went back, when too many changed, or when something was missed', async () => {
  const { state, listen, move } = start();
  const many = listen();
  const missed = listen({ flush: true, callerId: 'rs_2' });
  await turns();
  expect(missed.text).toContain('event: flush\ndata: {"seq":10}\n\n: alive');
  move(changed(11, ...Array.from({ length: 501 }, (_, index) => `az_${index}`)));
  await turns();
  expect(many.text).toContain('event: flush\ndata: {"seq":11}');
  expect(many.text).not.toContain('az_');
  state.latest = 3;
  await turns();
  expect(many.text).toContain('event: flush\ndata: {"seq":3}');
  expect(many.ended).toBe(true);
});

test('does not look while nobody listens, and ends everybody at the end', async () => {
  const { state, listen, made } = start();
  const heard = listen();
  await turns();
  heard.forget();
  await turns();
  const { asked } = state;
  await turns();
  expect(state.asked).toBe(asked);
  const last = listen();
  made.end();
  expect(last.ended).toBe(true);
  expect(listen().ended).toBe(true);
});

test('ends a stream after ten minutes, so that clocks are set against each other anew', async () => {
  const { state, listen } = start();
  const heard = listen();
  await turns();
  state.now += 10 * 60_000 + 1;
  await turns();
  expect(heard.ended).toBe(true);
  expect(heard.text.endsWith('id: 10\n\n')).toBe(true);
});
