/** New signing keys without a restart, on two nodes: published, then signing, then gone; nothing fails to verify in between. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { developmentSecret } from '../../src/config.ts';
import {
  createSigningKeys,
  keptSeconds,
  leastLeadSeconds,
  livesOf,
  type SigningKeys,
} from '../../src/oauth/signing-keys.ts';
import { createSecrets } from '../../src/secrets.ts';
import { movableClock } from '../support/clock.ts';
import { engines } from '../support/databases.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { askToken, tokenByCode } from '../support/oauth.ts';

const person = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };
const operator = { id: 'command' };
/** Nodes read their keys every five seconds. */
const untilReadMilliseconds = 5_100;

describe('the life of a key', () => {
  const row = (kid: string, signs_from: number, algorithm = 'ES256') => ({
    kid,
    algorithm,
    created_at: signs_from - 100,
    signs_from,
  });
  const states = (now: number, rows: Parameters<typeof livesOf>[0]) =>
    Object.fromEntries(livesOf(rows, now).map(({ kid, state }) => [kid, state]));

  test('is a matter of the clock: published, signing, retiring', () => {
    const rows = [row('b', 2_000), row('a', 1_000), row('r', 1_000, 'RS256')];
    expect(states(1_999, rows)).toEqual({ a: 'signing', r: 'signing', b: 'published' });
    expect(states(2_000, rows)).toEqual({ a: 'retiring', r: 'signing', b: 'signing' });
    expect(livesOf(rows, 2_000).find(({ kid }) => kid === 'a')?.retiresAt).toBe(2_000 + keptSeconds);
  });

  test('lists what signs first, so that the engine signs with it', () => {
    expect(livesOf([row('b', 2_000), row('a', 1_000)], 2_000).map(({ kid }) => kid)).toEqual(['b', 'a']);
    expect(livesOf([row('b', 2_000), row('a', 1_000)], 1_500).map(({ kid }) => kid)).toEqual(['a', 'b']);
  });

  test('has always one that signs, whatever the clock says', () => {
    expect(states(1, [row('a', 1_000), row('b', 2_000)])).toEqual({ a: 'signing', b: 'published' });
  });
});

describe.each(engines)('two nodes on one database, on %s', (engine) => {
  let nodes: TestMandate[];
  let keys: SigningKeys;
  const clock = movableClock();

  beforeAll(async () => {
    const first = await startMandate({ engine, clock });
    nodes = [first, await startMandate({ databaseUrl: first.databaseUrl, clock })];
    const secrets = createSecrets(developmentSecret);
    keys = createSigningKeys({ ...first.stores, store: first.store, clock, secrets });
  }, 60_000);
  afterAll(async () => {
    for (const node of nodes.toReversed()) await node.stop();
  });

  const publishedBy = async (node: TestMandate) =>
    (await (await fetch(`${node.issuer}/jwks`)).json()) as JSONWebKeySet;
  const kidsOf = async (node: TestMandate) => (await publishedBy(node)).keys.map(({ kid }) => kid);
  /** Waits until it is so on every node: a machine that does much else reads later. */
  const untilEach = async (isSo: (node: TestMandate) => Promise<boolean>) => {
    for (const node of nodes) while (!(await isSo(node))) await new Promise((turn) => setTimeout(turn, 50));
  };
  /** Fails unless every node publishes what the token was signed with, as it is asked right now. */
  const verifyEverywhere = async (idToken: string) => {
    for (const node of nodes) await jwtVerify(idToken, createLocalJWKSet(await publishedBy(node)));
  };

  test('MD-03: every ID token verifies on both, before, during and after a rotation', async () => {
    const [first] = nodes as [TestMandate, TestMandate];
    let { refresh_token: refreshToken = '' } = await tokenByCode(first.issuer, person, {
      scope: 'openid api flows:edit',
    });
    let turn = 0;
    /** Issues on the next node. @returns the token and the key that signed it */
    const issue = async () => {
      const node = nodes[turn++ % nodes.length] as TestMandate;
      const fields = { grant_type: 'refresh_token', refresh_token: refreshToken };
      const { status, body } = await askToken(node.issuer, fields, demo.web);
      expect(status).toBe(200);
      refreshToken = body.refresh_token ?? '';
      const idToken = String(body.id_token);
      await verifyEverywhere(idToken);
      return { idToken, kid: decodeProtectedHeader(idToken).kid };
    };
    const issueFor = async (milliseconds: number) => {
      const kids = new Set<unknown>();
      for (const start = performance.now(); performance.now() - start < milliseconds; ) {
        kids.add((await issue()).kid);
        await new Promise((resume) => setTimeout(resume, 40));
      }
      return kids;
    };

    const before = await issue();
    const rotated = await keys.rotate(operator, 3_600);
    expect(rotated).toMatchObject({ outcome: 'done' });
    const next = rotated.outcome === 'done' ? rotated.published : [];
    expect(await keys.rotate(operator, 0)).toMatchObject({ outcome: 'waiting' });
    expect(await keys.promote(operator)).toMatchObject({ outcome: 'done' });
    // Within the thirty seconds that it waits, which the clock skips here, every node publishes it and none signs with it.
    expect(await issueFor(untilReadMilliseconds)).toEqual(new Set([before.kid]));
    await untilEach(async (node) => {
      const kids = await kidsOf(node);
      return next.every((kid) => kids.includes(kid));
    });
    clock.advance(leastLeadSeconds);
    const after = await issueFor(300);
    expect(after.size).toBe(1);
    expect(next).toContain([...after][0]);
    await verifyEverywhere(before.idToken);

    clock.advance(keptSeconds);
    await first.app.garbage.collect();
    expect(await keys.list()).toHaveLength(2);
    await untilEach(async (node) => (await kidsOf(node)).length === next.length);
    for (const node of nodes) expect((await kidsOf(node)).toSorted()).toEqual([...next].toSorted());
  }, 60_000);

  test('what is published has no private part', async () => {
    for (const node of nodes) {
      for (const key of (await publishedBy(node)).keys) {
        expect(Object.keys(key).filter((name) => /^(d|p|q|dp|dq|qi|oth|k|priv)$/.test(name))).toEqual([]);
      }
    }
  });

  test('a key that leaked is gone at once, and not the only one that signs', async () => {
    const [signing] = await keys.list();
    const kid = signing?.kid ?? '';
    expect(await keys.revoke(operator, 'nobody')).toEqual({ outcome: 'not_found' });
    expect(await keys.revoke(operator, kid)).toEqual({ outcome: 'only_one' });
    await keys.rotate(operator, 0);
    expect(await keys.revoke(operator, kid)).toEqual({ outcome: 'done' });
    const lives = await keys.list();
    expect(lives.map((life) => life.kid)).not.toContain(kid);
    expect(lives.some((life) => life.algorithm === signing?.algorithm && life.state === 'signing')).toBe(
      true,
    );
  });

  test('the next keys come by themselves when the signing ones are old', async () => {
    clock.advance(3_600);
    expect(await keys.keepUp(0)).toBe(0);
    clock.advance(91 * 86_400);
    await keys.keepUp(90);
    await keys.keepUp(90);
    expect((await keys.list()).filter(({ state }) => state === 'published')).toHaveLength(2);
  });
});
