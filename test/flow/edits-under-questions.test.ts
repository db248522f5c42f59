/**
 * One authorization, edited again and again while resource servers ask about it all the time: no answer is of a version before the one
 * that was acknowledged when its question began, and each says what its version says. `EDITS` sets how many edits there are.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { signInToApi } from '../support/administrator.ts';
import { engineName, record } from '../support/fault-figures.ts';
import { askCommonly } from '../support/freshness-trials.ts';
import { issueToken } from '../support/issue-token.ts';
import { demo, startMandate, type TestMandate } from '../support/mandate.ts';
import { introspect, tokenByCode } from '../support/oauth.ts';

const edits = Number(process.env.EDITS ?? 100);
const askers = 4;

/** What the editor chooses in turn. */
const choices = [
  { capabilities: ['api'], scope: 'api' },
  { capabilities: ['api', 'apps:view'], scope: 'api apps:view' },
  { capabilities: ['api', 'flows:edit'], scope: 'api flows:edit' },
  { capabilities: ['apps:view', 'flows:edit'], scope: 'apps:view flows:edit' },
] as const;

describe.each([
  ['sqlite', 1],
  ['sqlite', 2],
  ['postgres', 2],
] as const)('on %s, nodes: %d', (engine, count) => {
  let first: TestMandate;
  let nodes: TestMandate[];

  beforeAll(async () => {
    first = await startMandate({ engine });
    const { databaseUrl, clock } = first;
    nodes = count === 1 ? [first] : [first, await startMandate({ databaseUrl, clock })];
  });
  afterAll(async () => {
    for (const node of [...nodes].reverse()) await node.stop();
  });

  test(
    `${edits} edits over the API against questions that never pause`,
    async () => {
      const editor = { email: 'editor@acme.test', answers: { atlas: true, 'Role in atlas': 'Editor' } };
      const { access_token: consented } = await tokenByCode(first.issuer, editor, {
        scope: 'api flows:edit',
      });
      const { authorization_id: id } = await introspect(first.issuer, consented ?? '');
      const path = `/authorizations/${String(id)}`;
      const token = await issueToken(first.store, {
        authorizationId: String(id),
        clientId: demo.web.id,
        audience: demo.api,
        issuedAt: first.clock.now(),
        lifetimeSeconds: 1_000_000,
      });
      const person = await signInToApi(first.issuer, 'editor@acme.test');
      const { body: before } = await person.call<{ version: number; projects: object[] }>('GET', path);
      const said = new Map([[before.version, 'api flows:edit']]);
      let acknowledged = before.version;
      let asked = 0;
      let over = false;
      const wrong: string[] = [];

      const ask = async (node: TestMandate) => {
        while (!over) {
          const since = acknowledged;
          const { text } = await askCommonly(node.issuer, token, demo.apiServer);
          const answer = JSON.parse(text) as { authorization_version?: number; scope?: string };
          const version = Number(answer.authorization_version);
          asked += 1;
          if (!(version >= since)) wrong.push(`${version} after ${since} was acknowledged`);
          // An edit is in force a moment before whoever made it is told; what it says is known by then.
          if (said.get(version) !== answer.scope) wrong.push(`${version} says ${String(answer.scope)}`);
        }
      };
      const asking = Array.from({ length: askers }, (_, n) => ask(nodes[n % nodes.length] ?? first));
      for (let edit = 0; edit < edits; edit += 1) {
        const { capabilities, scope } = choices[edit % choices.length] ?? choices[0];
        said.set(acknowledged + 1, scope);
        const { status, body } = await person.call<{ version: number }>(
          'PATCH',
          path,
          { capabilities, projects: before.projects },
          { 'if-match': `"${acknowledged}"` },
        );
        expect([status, body.version]).toEqual([200, acknowledged + 1]);
        acknowledged = body.version;
      }
      over = true;
      await Promise.all(asking);
      record({
        id: 'R4',
        scenario: 'edits over the API against questions that never pause',
        target: '0 stale answers',
        measured: `${wrong.length} stale of ${asked} during ${edits} edits`,
        engine: `${engineName(engine)}, ${count === 1 ? 'one node' : 'two nodes'}`,
      });
      expect(wrong).toEqual([]);
      expect(asked).toBeGreaterThan(edits / 4);
    },
    20_000 + edits * 500,
  );
});
