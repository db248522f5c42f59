/**
 * R15, MD-03: two nodes are restarted one after the other under introspections, refreshes and sign-ins, and the signing keys are rotated
 * in the middle. No request fails, and every ID token verifies for a client that remembers the key set and asks for it again when it
 * meets an unknown key.
 */
import { expect, test } from '@jest/globals';
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { signInThrough } from '../support/balanced-sign-in.ts';
import { balance } from '../support/balancer.ts';
import { runCommand } from '../support/command-line.ts';
import { engines, freshDatabaseUrl } from '../support/databases.ts';
import { engineName, isLongRun, pause, quantile, record, sized, tries } from '../support/fault-figures.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo } from '../support/mandate.ts';
import { tokenByCode } from '../support/oauth.ts';
import { basic } from '../support/race.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

const person = { email: 'editor@acme.test', answers: { 'flows:edit': true, atlas: true } };
const introspectionsPerSecond = tries(20, 200);
const tokensPerSecond = tries(5, 20);
const signInsPerSecond = tries(2, 20);
/** In turn: of one account, only so many passwords are looked at at once. */
const people = ['owner', 'admin', 'editor', 'viewer', 'analyst'].map((name) => `${name}@acme.test`);
/** So that every person has an address of their own, as behind a balancer. */
const environment = { TRUSTED_PROXY_HOPS: '1' };
const rounds = sized(1, 2);

test.each(isLongRun ? engines : (['postgres'] as const))(
  'a rolling restart with new signing keys fails nobody, on %s',
  async (engine) => {
    const database = await freshDatabaseUrl(engine);
    const first = await startServerProcess({ databaseUrl: database.url, environment });
    const { issuer } = first;
    const nodes: ServerProcess[] = [
      first,
      await startServerProcess({ databaseUrl: database.url, issuer, environment }),
    ];
    /** What a balancer sends to: a node that is told to stop is taken out when its /readyz says so. */
    let ready = [...nodes];
    const failed: string[] = [];
    const times: number[] = [];
    const count = { introspections: 0, tokens: 0, signIns: 0, keys: new Set<unknown>(), restarts: 0 };
    let over = false;

    const send = balance(() => ready);
    /** Begins work by the clock, whatever became of what was begun before; not more than three seconds' worth is under way. */
    const every = async (what: string, perSecond: number, work: () => Promise<void>) => {
      const running = new Set<Promise<void>>();
      const start = performance.now();
      for (let begun = 1; !over; begun += 1) {
        if (running.size < Math.max(3, perSecond * 3)) {
          const one = work().catch((error: unknown) => void failed.push(`${what}: ${error}`));
          running.add(one);
          void one.finally(() => running.delete(one));
        }
        await pause(Math.max(1, start + (begun * 1_000) / perSecond - performance.now()));
      }
      await Promise.all(running);
    };

    const { access_token: token = '' } = await tokenByCode(issuer, person);
    const introspecting = every('introspection', introspectionsPerSecond, async () => {
      const start = performance.now();
      const headers = basic(demo.apiServer);
      const answer = await send('/introspect', { headers, body: new URLSearchParams({ token }) });
      times.push(performance.now() - start);
      count.introspections += 1;
      if (answer.status !== 200 || !answer.text.includes('"active":true'))
        failed.push(`introspection: ${answer.status}`);
    });

    let remembered: JSONWebKeySet | undefined;
    const readKeys = async () => JSON.parse((await send('/jwks')).text) as JSONWebKeySet;
    const verify = async (idToken: string) => {
      remembered ??= await readKeys();
      const { kid } = decodeProtectedHeader(idToken);
      if (!remembered.keys.some((key) => key.kid === kid)) remembered = await readKeys();
      await jwtVerify(idToken, createLocalJWKSet(remembered), { issuer });
      count.keys.add(kid);
    };
    const families = await Promise.all(
      Array.from({ length: 4 }, () =>
        tokenByCode(issuer, person, { scope: 'openid api flows:edit' }, createBrowserlessClient(issuer)),
      ),
    );
    const refreshing = families.map((family) => {
      let refreshToken = family.refresh_token ?? '';
      let busy = false;
      return every('token', tokensPerSecond / families.length, async () => {
        if (busy) return;
        busy = true;
        try {
          const fields = { grant_type: 'refresh_token', refresh_token: refreshToken };
          const ask = () => send('/token', { headers: basic(demo.web), body: new URLSearchParams(fields) });
          let answer = await ask();
          // Where everything runs on the same few cores, a database may be too slow for a moment: it says so, and is asked again.
          if (answer.status === 503 && !isLongRun) answer = await ask();
          if (answer.status !== 200) throw new Error(`token: ${answer.status} ${answer.text}`);
          const body = JSON.parse(answer.text) as Record<string, string>;
          refreshToken = body.refresh_token ?? '';
          await verify(body.id_token ?? '');
          count.tokens += 1;
        } finally {
          busy = false;
        }
      });
    });

    let begunSignIns = 0;
    const signingIn = every('sign-in', signInsPerSecond, async () => {
      const email = people[begunSignIns++ % people.length] ?? '';
      // As with tokens: where the run is short, who is told 503 comes again.
      for (let again = sized(4, 0); ; again -= 1) {
        const failure: unknown = await signInThrough(send, issuer, email).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (failure === undefined) break;
        if (again === 0 || !/ 503 /.test(String(failure))) throw failure;
        await pause(1_000);
      }
      count.signIns += 1;
    });

    /** Everything that a node ever was, for what they wrote when something failed. */
    const everyNode = [...nodes];
    const restart = async (index: number) => {
      const leaving = nodes[index] as ServerProcess;
      ready = ready.filter((node) => node !== leaving);
      await leaving.stop();
      const back = await startServerProcess({
        databaseUrl: database.url,
        issuer,
        port: leaving.port,
        environment,
      });
      nodes[index] = back;
      everyNode.push(back);
      ready = [...ready, back];
      count.restarts += 1;
    };
    const began = performance.now();
    let lasted = 0;
    try {
      for (let round = 0; round < rounds; round++) {
        await restart(0);
        if (round === 0) {
          const rotated = await runCommand(['signing-keys', 'rotate', '--now'], {
            DATABASE_URL: database.url,
          });
          expect(rotated).toMatchObject({ code: 0, stderr: '' });
        }
        await restart(1);
      }
      if (isLongRun) await pause(35_000);
      lasted = (performance.now() - began) / 1_000;
      over = true;
      await Promise.all([introspecting, signingIn, ...refreshing]);
    } finally {
      over = true;
      for (const node of nodes) await node.kill();
      await database.drop();
    }
    record({
      id: 'R15',
      scenario: 'rolling restart of two nodes with new signing keys in the middle',
      target: '0 failed requests, 0 signature errors',
      measured: `${failed.length} failed of ${count.introspections} introspections, ${count.tokens} tokens and ${count.signIns} sign-ins in ${lasted.toFixed(0)} s over ${count.restarts} restarts and ${count.keys.size} keys; introspection ${quantile(times, 0.99).toFixed(0)} ms (99 %)`,
      engine: `${engineName(engine)}, two nodes`,
    });
    const complaints = everyNode.flatMap((node) => node.output().match(/"message":"[^"]*"/g) ?? []);
    expect({ failed, because: failed.length > 0 ? [...new Set(complaints)] : [] }).toEqual({
      failed: [],
      because: [],
    });
    expect(count.introspections).toBeGreaterThan(10);
    expect(count.tokens).toBeGreaterThan(2);
    expect(count.signIns).toBeGreaterThan(1);
    if (isLongRun) expect(count.keys.size).toBe(2);
  },
  sized(150_000, 300_000),
);
