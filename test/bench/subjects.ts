/** What is measured: each a server of its own, or a way of asking one. */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { demo } from '../support/mandate.ts';
import { tokenByCode } from '../support/oauth.ts';
import { startPostgres } from '../support/postgres.ts';
import { startServerProcess } from '../support/server-process.ts';
import { fillField } from './field.ts';
import { closedLoop, connections, type Load, load, type Measured, measure } from './load.ts';
import { pin, serverCore, startProgram } from './process.ts';

export interface Subject {
  readonly name: string;
  /** Subjects of one group are compared with the first of it. */
  readonly group: 'introspections' | 'refreshes with rotation' | 'client credentials';
  measure(seconds: number): Promise<Measured>;
}

export interface Subjects {
  readonly all: readonly Subject[];
  stop(): Promise<void>;
  /** What our servers wrote, for when something goes wrong. */
  output(): string;
}

const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
const basic = (id: string, secret: string) => ({
  ...form,
  Authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
});

/** Starts everything. @param many tokens of the row in which each question is about another one; 0 leaves it out */
export async function startSubjects({ many }: { many: number }): Promise<Subjects> {
  const ends: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    const folder = await mkdtemp(join(tmpdir(), 'mandate-bench-'));
    ends.push(async () => rmSync(folder, { recursive: true, force: true }));
    const all: Subject[] = [];
    const introspect = (name: string, target: Load) =>
      all.push({ name, group: 'introspections', measure: (seconds) => load(target, seconds) });
    const outputs: (() => string)[] = [];

    const open = async (databaseUrl: string) => {
      const server = await startServerProcess({ databaseUrl, environment: { LOG_LEVEL: 'error' } });
      ends.push(() => server.stop());
      outputs.push(server.output);
      const tokens = await fillField(databaseUrl, Math.max(1, many));
      const headers = basic(demo.apiServer.id, demo.apiServer.secret);
      const { issuer, pid } = server;
      const ask = (bodies: readonly string[]): Load => ({
        pid,
        url: `${issuer}/introspect`,
        headers,
        bodies,
      });
      return { issuer, pid, tokens, ask };
    };

    const sqlite = await open(`sqlite:${join(folder, 'mandate.db')}`);
    const [first = ''] = sqlite.tokens;
    const hot = sqlite.ask([`token=${first}`]);
    const sample = await fetch(hot.url, { method: 'POST', headers: hot.headers, body: `token=${first}` });
    const answer = await sample.text();
    if (!answer.includes('"active":true')) throw new Error(`not active: ${answer}`);

    const bare = await startProgram<{ port: number }>('bare-server.ts', [String(answer.length)]);
    ends.push(() => bare.stop());
    introspect('bare node:http, a constant', {
      pid: bare.pid,
      url: `http://127.0.0.1:${bare.said.port}/introspect`,
      headers: hot.headers,
      bodies: hot.bodies,
    });
    introspect('Mandate, SQLite, hot', hot);
    introspect('Mandate, SQLite, unknown token', sqlite.ask([`token=${'x'.repeat(43)}`]));

    const postgres = await startPostgres({ durable: true });
    ends.push(() => postgres.stop());
    const onPostgres = await open(postgres.url);
    introspect('Mandate, PostgreSQL, hot', onPostgres.ask([`token=${onPostgres.tokens[0] ?? ''}`]));

    const stock = await startProgram<{
      port: number;
      token: string;
      refreshTokens: string[];
      id: string;
      secret: string;
    }>('stock-server.ts', [join(folder, 'stock.db'), String(connections)]);
    ends.push(() => stock.stop());
    const { port, token, refreshTokens, id, secret } = stock.said;
    const stockUrl = `http://127.0.0.1:${port}`;
    introspect('stock oidc-provider, better-sqlite3', {
      pid: stock.pid,
      url: `${stockUrl}/token/introspection`,
      headers: basic(id, secret),
      bodies: [`token=${token}`],
    });
    if (many > 1) {
      const bodies = sqlite.tokens.map((value) => `token=${value}`);
      introspect(`Mandate, SQLite, ${many} tokens at random`, sqlite.ask(bodies));
    }

    const families: string[] = [];
    while (families.length < connections) {
      const issued = await tokenByCode(
        sqlite.issuer,
        {
          email: 'editor@acme.test',
          answers: { 'flows:edit': true, atlas: true, 'Role in atlas': 'Editor' },
        },
        { scope: 'api flows:edit offline_access' },
      );
      families.push(issued.refresh_token ?? '');
    }
    const refresh = (
      name: string,
      pid: number,
      url: string,
      headers: Record<string, string>,
      leaves: string[],
    ) =>
      all.push({
        name,
        group: 'refreshes with rotation',
        measure: (seconds) =>
          measure(pid, () =>
            closedLoop(seconds, (index) => async (post) => {
              const body = `grant_type=refresh_token&refresh_token=${leaves[index]}`;
              const { status, text } = await post(url, headers, body);
              const next = status === 200 && (JSON.parse(text) as { refresh_token?: string }).refresh_token;
              if (next) leaves[index] = next;
              return Boolean(next);
            }),
          ),
      });
    const credentials = (name: string, target: Load) =>
      all.push({ name, group: 'client credentials', measure: (seconds) => load(target, seconds) });

    refresh(
      'stock oidc-provider, better-sqlite3',
      stock.pid,
      `${stockUrl}/token`,
      basic(id, secret),
      refreshTokens,
    );
    refresh(
      'Mandate, SQLite',
      sqlite.pid,
      `${sqlite.issuer}/token`,
      basic(demo.web.id, demo.web.secret),
      families,
    );
    const bodies = ['grant_type=client_credentials'];
    credentials('stock oidc-provider, better-sqlite3', {
      pid: stock.pid,
      url: `${stockUrl}/token`,
      headers: basic(id, secret),
      bodies,
    });
    credentials('Mandate, SQLite', {
      pid: sqlite.pid,
      url: `${sqlite.issuer}/token`,
      headers: basic(demo.ci.id, demo.ci.secret),
      bodies,
    });
    for (const { pid } of [sqlite, onPostgres]) pin(pid, serverCore);
    return { all, stop, output: () => outputs.map((output) => output()).join('\n') };
  } catch (error) {
    await stop();
    throw error;
  }
}
