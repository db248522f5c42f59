/**
 * Once a change is acknowledged, no introspection that starts later answers from before it, on whichever node.
 * `FRESHNESS_TRIALS` sets how often each is tried.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engineName, record } from '../support/fault-figures.ts';
import {
  askCommonly,
  lastingChanges,
  prepareTrials,
  recalledBy,
  tryFreshness,
} from '../support/freshness-trials.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, postForm, tokenByCode } from '../support/oauth.ts';

const times = Number(process.env.FRESHNESS_TRIALS ?? 100);
const kinds = [...lastingChanges, 'add for a while', 'end an addition'];

describe.each([
  ['sqlite', 1],
  ['sqlite', 2],
  ['postgres', 2],
] as const)('on %s, nodes: %d', (engine, count) => {
  let first: TestMandate;
  let nodes: TestMandate[];
  let trials: Awaited<ReturnType<typeof prepareTrials>>;

  beforeAll(async () => {
    first = await startMandate({ engine });
    const { databaseUrl, clock } = first;
    nodes = count === 1 ? [first] : [first, await startMandate({ databaseUrl, clock })];
    trials = await prepareTrials(first);
  });
  afterAll(async () => {
    for (const node of [...nodes].reverse()) await node.stop();
  });

  test.each(kinds)(
    `IN-05: ${times} times: %s`,
    async (kind) => {
      const trial = trials[kind];
      if (!trial) throw new Error(`no trial for ${kind}`);
      const recalled = async () => {
        let sum = 0;
        for (const node of nodes) sum += await recalledBy(node);
        return sum;
      };
      const before = await recalled();
      const stale = await tryFreshness(nodes, [kind, trial], times);
      // Every change was made while its answer was remembered.
      expect((await recalled()) - before).toBeGreaterThanOrEqual(times);
      record({
        id: kind === 'revoke' ? 'R3' : 'R4',
        scenario: `the next question after: ${kind}`,
        target: '0 stale answers',
        measured: `${stale.length} stale of ${times}`,
        engine: `${engineName(engine)}, ${count === 1 ? 'one node' : 'two nodes'}`,
      });
      expect(stale).toEqual([]);
    },
    1_000 + times * 1_000,
  );

  const editor = {
    email: 'editor@acme.test',
    answers: { 'flows:edit': true, atlas: true, 'Role in atlas': 'Editor' },
  };
  const other = () => nodes.at(-1) ?? first;
  /** What is said of a token; whoever asks twice is told from memory. */
  const introspect = async ({ issuer }: TestMandate, token: string): Promise<unknown> => {
    await askCommonly(issuer, token, demo.apiServer);
    const { status, text } = await askCommonly(issuer, token, demo.apiServer);
    expect(status).toBe(200);
    return JSON.parse(text);
  };

  test('an access token that is revoked by itself is inactive at once, its sibling is not', async () => {
    await first.stores.clients.saveRegistered(
      { id: 'test' },
      {
        id: demo.web.id,
        metadata: (await first.stores.clients.find(demo.web.id))?.metadata ?? {},
        secret: demo.web.secret,
      },
    );
    const answer = await tokenByCode(first.issuer, editor, { scope: 'api flows:edit offline_access' });
    const sibling = await askToken(
      first.issuer,
      { grant_type: 'refresh_token', refresh_token: answer.refresh_token ?? '' },
      demo.web,
    );
    const [one, two] = [answer.access_token ?? '', sibling.body.access_token ?? ''];
    expect(await introspect(other(), one)).toMatchObject({ active: true });
    expect(await introspect(other(), two)).toMatchObject({ active: true });
    expect((await postForm(`${first.issuer}/revoke`, { token: one }, demo.web)).status).toBe(200);
    expect(await introspect(other(), one)).toEqual({ active: false });
    expect(await introspect(other(), two)).toMatchObject({ active: true });
  });

  test('a service account token that is revoked by itself is inactive at once', async () => {
    const { body } = await askToken(first.issuer, { grant_type: 'client_credentials' }, demo.ci);
    const token = body.access_token ?? '';
    expect(await introspect(other(), token)).toMatchObject({ active: true });
    expect((await postForm(`${first.issuer}/revoke`, { token }, demo.ci)).status).toBe(200);
    expect(await introspect(other(), token)).toEqual({ active: false });
  });

  test('a code that comes back ends the tokens that it gave at once', async () => {
    const answer = await tokenByCode(first.issuer, editor);
    const token = answer.access_token ?? '';
    expect(await introspect(other(), token)).toMatchObject({ active: true });
    const replay = await askToken(
      first.issuer,
      {
        grant_type: 'authorization_code',
        code: answer.code,
        redirect_uri: demo.web.redirect,
        code_verifier: answer.verifier,
      },
      demo.web,
    );
    expect(replay.body.error).toBe('invalid_grant');
    expect(await introspect(other(), token)).toEqual({ active: false });
  });

  test('time ends what is remembered: a token and an authorization expire while they are hot', async () => {
    const answer = await tokenByCode(first.issuer, editor);
    const token = answer.access_token ?? '';
    // It was issued by the machine's clock, which has gone on since the one that is moved here stands still.
    const { active, exp } = (await introspect(other(), token)) as { active: boolean; exp: number };
    expect(active).toBe(true);
    first.clock.advance(exp - 1 - first.clock.now());
    expect(await introspect(other(), token)).toMatchObject({ active: true });
    first.clock.advance(1);
    expect(await introspect(other(), token)).toEqual({ active: false });
  });
});
