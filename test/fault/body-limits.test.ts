/** DS-02: a body that is too large is refused at every door, whoever sends it, before the database is asked, and so before a password is hashed. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { basic } from '../support/race.ts';
import { sendTo } from '../support/raw-request.ts';
import { watchStatements } from '../support/watched-statements.ts';

let mandate: TestMandate;
/** Statements since the last look. */
let asked: string[] = [];
beforeAll(async () => {
  mandate = await startMandate({ engine: 'postgres' });
  const { pool } = mandate.store;
  if (!pool) throw new Error('there is no pool');
  watchStatements(pool, (text) => void asked.push(text));
});
afterAll(() => mandate.stop());

const forms = [
  ...['/token', '/introspect', '/revoke', '/par', '/device/auth', '/device', '/authorize', '/userinfo'],
  ...['/sign-in', '/sign-in/code', '/sign-in/passkey', '/forgot-password', '/reset-password', '/invitation'],
  ...['/interaction/x', '/interaction/x/consent', '/session/end', '/session/end/confirm'],
  ...['/account/security/password', '/account/api-keys', '/admin/users', '/uses'],
];
const documents = [
  '/register',
  '/register/x',
  '/api/v1/users',
  '/api/v1/api-keys',
  '/api-keys/leaked',
  '/csp-reports',
];

/** Guesses at user codes are counted before anything else is looked at, and this one is none: it is given back. */
const counted = new Set(['/device']);

describe.each([
  [
    'a form',
    'application/x-www-form-urlencoded',
    forms,
    `client_id=${demo.web.id}&token=${'x'.repeat(3_000_000)}`,
  ],
  ['a document', 'application/json', documents, JSON.stringify({ name: 'x'.repeat(3_000_000) })],
] as const)('DS-02: %s of 3 MB', (_what, type, paths, body) => {
  test.each(paths)('%s', async (path) => {
    const { host, port } = new URL(mandate.issuer);
    for (const headers of [{}, basic(demo.web)]) {
      // What a timer asks at the same moment, it does not ask the next time.
      for (let tries = 0; tries < 12 && (tries === 0 || asked.length > 0); tries += 1) {
        asked = [];
        const { status } = await sendTo(port, path, {
          method: path === '/register/x' ? 'PUT' : 'POST',
          headers: { host, 'content-type': type, ...headers },
          body,
        });
        expect(status).toBeGreaterThanOrEqual(400);
        expect(status).toBeLessThan(500);
        if (counted.has(path)) asked = asked.filter((text) => !/"counters"/.test(text));
      }
      expect(asked).toEqual([]);
    }
  });
});

test('what is counted here is counted', async () => {
  const { host, port } = new URL(mandate.issuer);
  asked = [];
  await sendTo(port, '/token', {
    headers: { host, ...basic(demo.ci) },
    body: 'grant_type=client_credentials',
  });
  expect(asked.length).toBeGreaterThan(0);
});
