/** What the token endpoint gives, each durable when it is answered: beside the library over a plain adapter where that does it too. */
import { createBrowserlessClient } from '../support/http.ts';
import { demo } from '../support/mandate.ts';
import { authorize, pkce, postForm, tokenByCode } from '../support/oauth.ts';
import { closedLoop, connections, load, type Measured, measure, type Post } from './load.ts';
import { basic, type Subject, type World } from './world.ts';

/** Not the one whose tokens are in the field: consenting to the same tool again would change their authorization. */
const person = {
  email: 'admin@acme.test',
  answers: { 'flows:edit': true, atlas: true, 'Role in atlas': 'Editor' },
};
const web = basic(demo.web.id, demo.web.secret);
/** Codes that are made for each second of a round; making one takes a person's whole way. */
const codesEachSecond = 50;

export async function tokenSubjects({ sqlite, stock }: World): Promise<Subject[]> {
  const families: string[] = [];
  while (families.length < connections) {
    const issued = await tokenByCode(sqlite.issuer, person, { scope: 'api flows:edit offline_access' });
    families.push(issued.refresh_token ?? '');
  }
  const url = `${sqlite.issuer}/token`;
  const bodies = ['grant_type=client_credentials'];
  const credentials = { group: 'client credentials', bodies };
  return [
    refreshing('stock oidc-provider, better-sqlite3', stock.pid, `${stock.url}/token`, stock.headers, [
      ...stock.refreshTokens,
    ]),
    refreshing('Mandate, SQLite', sqlite.pid, url, web, families),
    {
      name: 'stock oidc-provider, better-sqlite3',
      group: credentials.group,
      measure: (seconds) =>
        load({ pid: stock.pid, url: `${stock.url}/token`, headers: stock.headers, bodies }, seconds),
    },
    {
      name: 'Mandate, SQLite',
      group: credentials.group,
      measure: (seconds) =>
        load({ pid: sqlite.pid, url, headers: basic(demo.ci.id, demo.ci.secret), bodies }, seconds),
    },
    {
      name: 'Mandate, SQLite',
      group: 'code exchanges',
      measure: (seconds) => exchangeCodes(sqlite, Math.ceil(seconds * codesEachSecond)),
    },
    {
      name: 'Mandate, SQLite',
      group: 'device polls before the person has decided',
      measure: (seconds) => pollDevices(sqlite, seconds),
    },
  ];
}

/** Each connection has a family of refresh tokens of its own. @param leaves the newest of each, which it moves */
function refreshing(
  name: string,
  pid: number,
  url: string,
  headers: Record<string, string>,
  leaves: string[],
): Subject {
  const client = (index: number) => async (post: Post) => {
    const { status, text } = await post(
      url,
      headers,
      `grant_type=refresh_token&refresh_token=${leaves[index]}`,
    );
    const next = status === 200 && (JSON.parse(text) as { refresh_token?: string }).refresh_token;
    if (next) leaves[index] = next;
    return Boolean(next);
  };
  return {
    name,
    group: 'refreshes with rotation',
    measure: (seconds) => measure(pid, () => closedLoop(seconds, client)),
  };
}

/** Makes codes as a person who is signed in, and exchanges them all. */
async function exchangeCodes(
  { issuer, pid }: { issuer: string; pid: number },
  count: number,
): Promise<Measured> {
  const browser = createBrowserlessClient(issuer);
  const { verifier, challenge } = pkce();
  const codes: string[] = [];
  while (codes.length < count) {
    const back = await authorize(
      issuer,
      {
        client_id: demo.web.id,
        response_type: 'code',
        redirect_uri: demo.web.redirect,
        code_challenge: challenge,
        code_challenge_method: 'S256',
        scope: 'api flows:edit',
      },
      person,
      browser,
    );
    codes.push(back.searchParams.get('code') ?? '');
  }
  const fields = {
    grant_type: 'authorization_code',
    redirect_uri: demo.web.redirect,
    code_verifier: verifier,
  };
  return measure(pid, () =>
    closedLoop(60, () => async (post) => {
      const code = codes.pop();
      if (code === undefined) return 'done';
      return (
        (await post(`${issuer}/token`, web, String(new URLSearchParams({ ...fields, code })))).status === 200
      );
    }),
  );
}

async function pollDevices(
  { issuer, pid }: { issuer: string; pid: number },
  seconds: number,
): Promise<Measured> {
  const bodies: string[] = [];
  while (bodies.length < connections) {
    const { text } = await postForm(`${issuer}/device/auth`, { client_id: demo.cli.id, scope: 'api' });
    const { device_code: code = '' } = JSON.parse(text) as { device_code?: string };
    const fields = {
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: code,
      client_id: demo.cli.id,
    };
    bodies.push(String(new URLSearchParams(fields)));
  }
  const waiting = new Set(['authorization_pending', 'slow_down']);
  return measure(pid, () =>
    closedLoop(seconds, (index) => async (post) => {
      const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
      const { text } = await post(`${issuer}/token`, headers, bodies[index] ?? '');
      return waiting.has((JSON.parse(text) as { error: string }).error);
    }),
  );
}
