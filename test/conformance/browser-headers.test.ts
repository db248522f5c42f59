/** What a server under an https issuer gives to browsers is what docs/browsers.md says: names and attributes of cookies, headers of pages. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createCookieJar } from '../support/cookie-jar.ts';
import { type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';
import { readHtml } from '../support/html.ts';
import { demo } from '../support/mandate.ts';
import { pkce } from '../support/oauth.ts';
import type { Answer, SendOptions } from '../support/raw-request.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

const text = readFileSync(join(import.meta.dirname, '../../docs/browsers.md'), 'utf8');
const [cookieText = '', headerText = ''] = text.split('## Headers');
const rowsOf = (part: string) =>
  new Map(
    [...part.matchAll(/^\| `([^`]+)` \| `([^`]+)`/gm)].map(([, name = '', value = '']) => [name, value]),
  );
const issuer = 'https://auth.example';

let database: FreshDatabase;
let node: ServerProcess;
const jar = createCookieJar();
/** Lines of Set-Cookie that were seen, by the name of the cookie. */
const seen = new Map<string, string[]>();

async function visit(path: string, options: SendOptions = {}): Promise<Answer> {
  const cookie = jar.headerFor(path.split('?')[0] ?? path);
  const answer = await node.send(path, {
    ...options,
    headers: {
      ...options.headers,
      ...(cookie && { cookie }),
      origin: issuer,
      'sec-fetch-site': 'same-origin',
    },
  });
  const headers = new Headers();
  for (const line of answer.headers['set-cookie'] ?? []) {
    headers.append('set-cookie', line);
    const [name = ''] = line.split('=', 1);
    seen.set(name, [...(seen.get(name) ?? []), line]);
  }
  jar.keep(headers, path.split('?')[0] ?? path);
  return answer;
}

beforeAll(async () => {
  database = await freshDatabaseUrl('sqlite');
  node = await startServerProcess({ databaseUrl: database.url, issuer });
  const page = await visit('/sign-in');
  const [form] = readHtml(page.text).forms;
  const fields = Object.fromEntries((form?.fields ?? []).map(({ name, value }) => [name, value ?? '']));
  const body = new URLSearchParams({ ...fields, email: 'editor@acme.test', password: demo.password });
  expect((await visit('/sign-in', { body })).status).toBe(303);
  const request = {
    client_id: demo.web.id,
    response_type: 'code',
    redirect_uri: demo.web.redirect,
    code_challenge: pkce().challenge,
    code_challenge_method: 'S256',
    scope: 'api',
  };
  const begun = await visit(`/authorize?${new URLSearchParams(request)}`);
  expect(begun.status).toBe(303);
  await visit(new URL(String(begun.headers.location), issuer).pathname);
}, 60_000);
afterAll(async () => {
  await node.kill();
  await database.drop();
});

test('every cookie is one of the table, on its path, and has the attributes that all of them have', () => {
  const table = rowsOf(cookieText);
  const names = [...seen.keys()].filter((name) => !name.endsWith('.sig'));
  expect(names).toEqual(
    expect.arrayContaining([
      '__Host-mandate_session',
      '__Host-mandate_known',
      '__Secure-mandate_interaction',
      '__Secure-mandate_resume',
    ]),
  );
  for (const name of names) expect([...table.keys()]).toContain(name);
  for (const [name, lines] of seen) {
    const path = table.get(name.replace(/\.sig$/, '')) ?? '';
    for (const line of lines) {
      const attributes = line.toLowerCase().split('; ').slice(1);
      expect(attributes).toEqual(expect.arrayContaining(['secure', 'httponly', 'samesite=lax']));
      expect(attributes.some((one) => one.startsWith('domain'))).toBe(false);
      const given = attributes.find((one) => one.startsWith('path='))?.slice('path='.length) ?? '';
      const beginning = path.replace('…', '');
      expect(path.endsWith('…') ? given.startsWith(beginning) : given === beginning).toBe(true);
    }
    // Nobody can set one by itself: each goes with its signature.
    if (!name.endsWith('.sig')) expect([...seen.keys()]).toContain(`${name}.sig`);
  }
});

test.each(['/sign-in', '/', '/account/authorizations', '/nowhere'])(
  'the headers of %s are those of the table',
  async (path) => {
    const { headers } = await visit(path);
    const table = rowsOf(headerText);
    expect(table.size).toBe(10);
    const given = Object.fromEntries([...table.keys()].map((name) => [name, headers[name.toLowerCase()]]));
    expect(given).toEqual(Object.fromEntries(table));
  },
);
