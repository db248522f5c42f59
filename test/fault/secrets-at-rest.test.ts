/** Every flow is driven through a real process that logs all it can, and is killed; nothing that was secret may be found afterwards. */
import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { dump, dumpFiles } from '../support/database-dump.ts';
import { engines, type FreshDatabase, freshDatabaseUrl } from '../support/databases.ts';
import { engineName, record } from '../support/fault-figures.ts';
import { createBrowserlessClient } from '../support/http.ts';
import { demo } from '../support/mandate.ts';
import { askToken, authorize, introspect, pkce, postForm } from '../support/oauth.ts';
import { openConsent, register } from '../support/oauth-requests.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';
import { collectSecrets, type SecretCollector } from '../support/secret-collector.ts';
import { findSecrets, type Haystack } from '../support/secret-search.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
const answers = { 'flows:edit': true, atlas: true };

test('the search finds a secret in each spelling, so that finding nothing means something', () => {
  const secret = 'tök3n-with/odd+characters=and "more" of them';
  const secrets = new Map([[secret, 'it']]);
  const spelled = [
    secret,
    [...secret].reverse().join(''),
    encodeURIComponent(secret),
    JSON.stringify({ secret }),
    Buffer.from(secret).toString('hex'),
    Buffer.from(`x${secret}yz`).toString('base64'),
    Buffer.from(`xy${secret}z`).toString('base64url'),
    `…${secret.slice(11, 27)}…`,
    Buffer.from(secret, 'utf16le').toString('latin1'),
  ];
  for (const text of spelled) {
    const bytes = Buffer.from(text, text === spelled.at(-1) ? 'latin1' : 'utf8');
    expect(findSecrets([{ name: 'here', bytes }], secrets)).toHaveLength(1);
  }
  expect(findSecrets([{ name: 'here', bytes: Buffer.from('nothing of it') }], secrets)).toEqual([]);
});

describe.each(engines)('after every flow on %s, and a crash', (engine) => {
  let database: FreshDatabase;
  /** Of its own: its files are searched. */
  let cluster: Postgres | undefined;
  let folder: string;
  let server: ServerProcess | undefined;
  let collector: SecretCollector;
  let haystacks: Haystack[];
  const secret = () => randomBytes(24).toString('base64url');
  const own = { password: secret(), web: secret(), ci: secret(), api: secret(), mcp: secret() };

  beforeAll(async () => {
    cluster = engine === 'postgres' ? await startPostgres() : undefined;
    database = cluster ? { url: cluster.url, drop: cluster.stop } : await freshDatabaseUrl(engine);
    folder = await mkdtemp(join(tmpdir(), 'mandate-organization-'));
    const pepper = secret() + secret();
    collector = collectSecrets();
    for (const [what, value] of Object.entries({ ...own, pepper }))
      collector.add(`${what}, configured`, value);
    const imported = await importOrganization(pepper);
    const metricsToken = secret();
    collector.add('METRICS_TOKEN', metricsToken);
    const collected = await collectSpans();
    const environment = {
      LOG_LEVEL: 'trace',
      MANDATE_SECRET: pepper,
      METRICS_TOKEN: metricsToken,
      OTEL_EXPORTER_OTLP_ENDPOINT: collected.endpoint,
    };
    server = await startServerProcess({ databaseUrl: database.url, environment });
    await driveEveryFlow(server);
    const metrics = await server.send('/metrics', { headers: { authorization: `Bearer ${metricsToken}` } });
    const backup = await backUp(pepper);
    await collected.untilSomething();
    await server.kill();
    haystacks = [
      { name: 'log', bytes: Buffer.from(server.output()) },
      { name: 'output of import', bytes: Buffer.from(imported) },
      { name: 'metrics', bytes: Buffer.from(metrics.text) },
      { name: 'spans', bytes: Buffer.from(collected.text()) },
      ...backup,
      ...(await dump(engine, database.url)),
      ...(cluster ? await dumpFiles(cluster) : []),
    ];
    collected.stop();
  }, 120_000);
  afterAll(async () => {
    collector.stop();
    await server?.kill();
    await rm(folder, { recursive: true, force: true });
    await database?.drop();
  });

  /** The demo organization, with secrets that no document tells. */
  async function importOrganization(pepper: string): Promise<string> {
    const yaml = (await readFile(join(root, 'config/demo.yaml'), 'utf8'))
      .replaceAll(demo.password, own.password)
      .replace(demo.web.secret, own.web)
      .replace(demo.ci.secret, own.ci)
      .replace(demo.apiServer.secret, own.api)
      .replace(demo.mcpServer.secret, own.mcp);
    const file = join(folder, 'organization.yaml');
    await writeFile(file, yaml);
    const env = { PATH: process.env.PATH, DATABASE_URL: database.url, MANDATE_SECRET: pepper };
    const outputs: string[] = [];
    for (const command of [['migrate'], ['import', file, '--yes']]) {
      const { stdout, stderr } = await run(process.execPath, [join(root, 'src/cli.ts'), ...command], { env });
      outputs.push(stdout, stderr);
    }
    return outputs.join('');
  }

  /** What `mandate backup` writes while the server goes on, and what it says; PostgreSQL's own tools make another's. */
  async function backUp(pepper: string): Promise<Haystack[]> {
    if (engine === 'postgres') return [];
    const file = join(folder, 'backup.db');
    const env = { PATH: process.env.PATH, DATABASE_URL: database.url, MANDATE_SECRET: pepper };
    const { stdout, stderr } = await run(process.execPath, [join(root, 'src/cli.ts'), 'backup', file], {
      env,
    });
    return [
      { name: 'backup', bytes: await readFile(file) },
      { name: 'output of backup', bytes: Buffer.from(stdout + stderr) },
    ];
  }

  async function driveEveryFlow({ issuer }: ServerProcess): Promise<void> {
    const web = { id: demo.web.id, secret: own.web };
    const editor = { email: 'editor@acme.test', password: own.password, answers };
    const callers = [
      { id: demo.apiServer.id, secret: own.api },
      { id: demo.mcpServer.id, secret: own.mcp },
    ] as const;

    // Code, with everything that can be mistyped on the way.
    const browser = createBrowserlessClient(issuer);
    const first = pkce();
    const request = webRequest(first.challenge, 'openid offline_access api flows:edit');
    const signIn = await browser.get(`/authorize?${new URLSearchParams(request)}`, { follow: true });
    const mistyped = { Email: `${secret()}@x.test`, Password: secret() };
    collector.add('a password in the wrong field', mistyped.Email);
    await browser.submit(signIn, 'Sign in', mistyped);
    const back = await authorize(issuer, request, editor, browser);
    const redemption = {
      grant_type: 'authorization_code',
      code: back.searchParams.get('code') ?? '',
      redirect_uri: demo.web.redirect,
    };
    await askToken(issuer, { ...redemption, code_verifier: pkce().verifier }, web);
    await askToken(issuer, redemption, { ...web, secret: secret() });
    const tokens = await askToken(issuer, { ...redemption, code_verifier: first.verifier }, web);
    expect(tokens.status).toBe(200);
    expect(tokens.body.id_token).toBeDefined();
    await introspect(issuer, tokens.body.access_token ?? '', callers[0]);
    await introspect(issuer, tokens.body.access_token ?? '', callers[1]);
    await introspect(issuer, secret(), callers[0]);

    // Refresh and its retry, then the replay of the code.
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens.body.refresh_token ?? '' };
    expect((await askToken(issuer, refresh, web)).status).toBe(200);
    expect((await askToken(issuer, refresh, web)).status).toBe(200);
    await askToken(issuer, { ...redemption, code_verifier: first.verifier }, web);

    // Pushed request, proof of possession, revocation.
    const second = pkce();
    const pushed = await postForm(`${issuer}/par`, webRequest(second.challenge, 'api'), web);
    const { request_uri = '' } = JSON.parse(pushed.text) as { request_uri?: string };
    const pushedBack = await authorize(issuer, { client_id: web.id, request_uri }, editor, browser);
    const proof = await dpopProof(issuer);
    const bound = await askToken(
      issuer,
      {
        ...redemption,
        code: pushedBack.searchParams.get('code') ?? '',
        code_verifier: second.verifier,
      },
      web,
      { dpop: proof },
    );
    expect(bound.body.token_type).toBe('DPoP');
    await postForm(`${issuer}/revoke`, { token: bound.body.access_token ?? '' }, web);
    await postForm(`${issuer}/revoke`, { token: bound.body.refresh_token ?? '' }, web);

    // A machine.
    const machine = { grant_type: 'client_credentials', resource: demo.api };
    expect((await askToken(issuer, machine, { id: demo.ci.id, secret: own.ci })).status).toBe(200);

    // A command line: a wrong code, an approved one, one that is left pending and polled.
    const started = await postForm(`${issuer}/device/auth`, { client_id: demo.cli.id, scope: 'api' });
    const device = JSON.parse(started.text) as Record<string, string>;
    const entry = await browser.get('/device');
    const field = entry.forms[0]?.fields.find(({ name }) => name === 'user_code')?.label ?? '';
    const wrong = await browser.submit(entry, 'Continue', { [field]: 'BCDFG-HJKLM' }, { follow: true });
    const confirm = await browser.submit(
      wrong,
      'Continue',
      { [field]: device.user_code ?? '' },
      { follow: true },
    );
    const consent = await browser.submit(confirm, 'Continue', {}, { follow: true });
    await browser.submit(consent, 'Authorize', answers, { follow: true });
    const poll = (code: string) =>
      askToken(issuer, {
        grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
        client_id: demo.cli.id,
        device_code: code,
      });
    expect((await poll(device.device_code ?? '')).status).toBe(200);
    const waiting = await postForm(`${issuer}/device/auth`, { client_id: demo.cli.id });
    const { device_code = '' } = JSON.parse(waiting.text) as Record<string, string>;
    await poll(device_code);

    // A confidential client that registers itself, by secret; one by key.
    const registered = await register(issuer, {
      redirect_uris: ['https://tool.example/callback'],
      client_name: 'A tool',
    });
    const dynamic = {
      id: String(registered.body.client_id),
      secret: String(registered.body.client_secret),
    };
    expect(registered.body.client_secret).toBeDefined();
    const third = pkce();
    const redirect_uri = 'https://tool.example/callback';
    const dynamicBack = await authorize(
      issuer,
      { ...webRequest(third.challenge, 'api'), client_id: dynamic.id, redirect_uri },
      editor,
      browser,
    );
    const dynamicTokens = await askToken(
      issuer,
      {
        ...redemption,
        redirect_uri,
        code: dynamicBack.searchParams.get('code') ?? '',
        code_verifier: third.verifier,
      },
      dynamic,
    );
    expect(dynamicTokens.status).toBe(200);
    await signedRevocation(issuer);

    // A consent that is left open, then sign-out.
    await openConsent(browser, webRequest(pkce().challenge, 'api'));
    const leaving = await browser.get('/session/end');
    const left = await browser.submit(leaving, 'Sign out', {}, { follow: true });
    expect(left.status).toBe(200);
  }

  async function signedRevocation(issuer: string): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const { body } = await register(issuer, {
      redirect_uris: ['https://signed.example/callback'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig' }] },
    });
    const clientId = String(body.client_id);
    const jti = randomUUID();
    collector.add('jti of an assertion', jti);
    const assertion = await new SignJWT({ jti })
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(issuer)
      .setIssuedAt()
      .setExpirationTime('2m')
      .sign(privateKey);
    const { status } = await postForm(`${issuer}/revoke`, {
      token: secret(),
      client_id: clientId,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    });
    expect(status).toBe(200);
  }

  test('there is something to look for, and somewhere to look', () => {
    const kinds = new Set(collector.secrets.values());
    for (const kind of [
      'code',
      'access_token',
      'refresh_token',
      'id_token',
      'device_code',
      'user_code',
      'request_uri',
      'client_secret',
      'password in a form',
      'code_verifier in a form',
      'client_assertion in a form',
      'DPoP proof',
      'cookie mandate_session',
      'cookie mandate_session.sig',
      'cookie mandate_interaction',
      'cookie mandate_resume.sig',
      'cookie mandate_browser',
    ]) {
      expect(kinds).toContain(kind);
    }
    expect(collector.secrets.size).toBeGreaterThan(60);
    // What is not secret is there, so the dump is one.
    const known = findSecrets(haystacks, new Map([['https://tool.example/callback', 'a redirect URI']]));
    expect(known.length).toBeGreaterThan(0);
    expect(findSecrets(haystacks.slice(0, 1), new Map([[server?.issuer ?? '', 'the issuer']]))).toHaveLength(
      1,
    );
    const searched = haystacks.map(({ name }) => name);
    if (engine === 'sqlite') expect(searched).toEqual(expect.arrayContaining(['mandate.db-wal', 'backup']));
    else
      expect(searched).toEqual(
        expect.arrayContaining(['data.log', expect.stringMatching(/^data\/pg_wal\/0/)]),
      );
    const places = (what: string) =>
      findSecrets(haystacks, new Map([[what, what]])).map((hit) => hit.split(':')[0]);
    expect(places('mandate_http_request_duration_seconds')).toContain('metrics');
    expect(places('POST token')).toContain('spans');
    const written = places('https://tool.example/callback');
    if (engine === 'sqlite') expect(written).toContain('backup');
    else {
      expect(written).toContainEqual(expect.stringMatching(/^data\/base\//));
      expect(written).toContainEqual(expect.stringMatching(/^data\/pg_wal\//));
    }
  });

  test('no secret is in the database, its journal, a backup, a log, the metrics or a span, in any spelling', () => {
    const found = findSecrets(haystacks, collector.secrets);
    const megabytes = haystacks.reduce((sum, { bytes }) => sum + bytes.length, 0) / 2 ** 20;
    record({
      id: 'R18',
      scenario:
        'every secret of every flow, looked for in the database, its journal, a backup, the logs, the metrics and the spans, after a crash',
      target: '0 found, in any spelling',
      measured: `${found.length} found of ${collector.secrets.size}, in ${megabytes.toFixed(1)} MB`,
      engine: engineName(engine),
    });
    expect(found).toEqual([]);
  });
});

function webRequest(challenge: string, scope: string): Record<string, string> {
  return {
    client_id: demo.web.id,
    response_type: 'code',
    redirect_uri: demo.web.redirect,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state: 'state',
    scope,
  };
}

async function dpopProof(issuer: string): Promise<string> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  return new SignJWT({ jti: randomUUID(), htm: 'POST', htu: `${issuer}/token` })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(publicKey) })
    .setIssuedAt()
    .sign(privateKey);
}

/** Stands where an OpenTelemetry collector would. */
async function collectSpans() {
  let text = '';
  const server = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    request.on('end', () => response.end('{}'));
  });
  await new Promise<void>((listening) => void server.listen(0, '127.0.0.1', listening));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    text: () => text,
    /** They are sent every two seconds. */
    async untilSomething() {
      for (let tries = 0; tries < 200 && !text.includes('POST token'); tries += 1) await sleep(50);
    },
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
