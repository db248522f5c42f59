/** What of a request is found again: its id in the answer and in the log, its trace, and what browsers report. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createBrowserlessClient } from '../support/http.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';
import { postForm } from '../support/oauth.ts';

let mandate: TestMandate;
beforeAll(async () => {
  mandate = await startMandate();
});
afterAll(() => mandate.stop());

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const lines = () =>
  mandate
    .logged()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
/** The line is written when the connection is done with the answer. */
async function lineOf(requestId: string | null): Promise<Record<string, unknown> | undefined> {
  for (let tries = 0; tries < 1_000; tries += 1) {
    const found = lines().find((line) => line.requestId === requestId && line.msg === 'request');
    if (found) return found;
    await new Promise((resume) => setTimeout(resume, 10));
  }
  return undefined;
}

test('a protocol error carries the id that its line in the log has, and the trace it belongs to', async () => {
  const { status, headers } = await postForm(
    `${mandate.issuer}/token`,
    { grant_type: 'authorization_code' },
    undefined,
    { traceparent: `00-${traceId}-00f067aa0ba902b7-01`, 'x-request-id': 'mine' },
  );
  expect(status).toBe(400);
  const id = headers.get('x-request-id');
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(await lineOf(id)).toMatchObject({
    level: 20,
    traceId,
    method: 'POST',
    endpoint: 'token',
    status: 400,
    outcome: 'refusal',
  });
});

test('an error page shows it', async () => {
  const page = await createBrowserlessClient(mandate.issuer).get('/nothing-here');
  expect(page.status).toBe(404);
  const id = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(page.text)?.[0] ?? '';
  expect(await lineOf(id)).toMatchObject({ endpoint: 'other', status: 404 });
});

test('the page of an authorization error shows it', async () => {
  const page = await createBrowserlessClient(mandate.issuer).get(
    '/authorize?client_id=nobody&response_type=code',
  );
  expect(page.status).toBe(400);
  const id = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(page.text)?.[0] ?? '';
  expect(await lineOf(id)).toMatchObject({ endpoint: 'authorize', status: 400 });
});

test('a request for another host has one too', async () => {
  const response = await fetch(mandate.issuer.replace('localhost', '127.0.0.1'));
  expect(response.status).toBe(421);
  expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
});

test('every page names where its violations are reported', async () => {
  const { headers } = await fetch(`${mandate.issuer}/`);
  expect(headers.get('reporting-endpoints')).toBe('csp="/csp-reports"');
  expect(headers.get('content-security-policy')).toContain('report-uri /csp-reports; report-to csp');
});

test('reports are logged and counted, a few of them, and never at length', async () => {
  const send = (body: string, type = 'application/reports+json', method = 'POST') =>
    fetch(`${mandate.issuer}/csp-reports`, {
      method,
      headers: { 'content-type': type },
      ...(method === 'POST' && { body }),
    });
  const report = JSON.stringify([
    {
      type: 'csp-violation',
      body: {
        documentURL: `${mandate.issuer}/interaction/for-one-browser`,
        effectiveDirective: 'style-src-attr',
        blockedURL: 'inline',
      },
    },
  ]);
  expect((await send(report)).status).toBe(204);
  const told = () => lines().filter(({ violation }) => violation !== undefined);
  expect(told()).toMatchObject([
    { level: 40, violation: { directive: 'style-src-attr', blocked: 'inline', page: 'interaction' } },
  ]);
  expect(mandate.logged()).not.toContain('for-one-browser');
  expect((await send('{')).status).toBe(400);
  expect((await send(report, 'text/plain')).status).toBe(415);
  expect((await send(`[${'1,'.repeat(20_000)}1]`)).status).toBe(413);
  expect((await send('', 'application/json', 'GET')).status).toBe(405);
  for (let round = 0; round < 60; round += 1) await send(report);
  expect(told().length).toBeLessThanOrEqual(60);
  const metrics = await (await fetch(`${mandate.issuer}/metrics`)).text();
  const count = (outcome: string) =>
    Number(new RegExp(`mandate_csp_reports_total\\{outcome="${outcome}"\\} (\\d+)`).exec(metrics)?.[1]);
  expect(count('refused')).toBe(4);
  expect(count('logged') + count('dropped')).toBe(61);
  expect(count('dropped')).toBeGreaterThan(0);
});
