/**
 * Enterprise-managed authorization as the official MCP client does it: from the URL of an MCP server and an ID token of the
 * organization's identity provider, without a question to anybody; and what the person it is about sees and says of it.
 * @see https://github.com/modelcontextprotocol/ext-auth/blob/main/specification/stable/enterprise-managed-authorization.mdx
 */
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import {
  Client,
  CrossAppAccessProvider,
  discoverAndRequestJwtAuthGrant,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import type { Platform } from '../../examples/platform/platform.ts';
import { signIn } from '../support/account.ts';
import { movableClock } from '../support/clock.ts';
import type { BrowserlessClient } from '../support/http.ts';
import {
  assertionGrant,
  assistant,
  type IdentityProvider,
  startIdentityProvider,
  trustIn,
} from '../support/identity-provider.ts';
import { demo, type MandateOptions, type TestMandate } from '../support/mandate.ts';
import { askToken, introspect } from '../support/oauth.ts';
import { startPlatformOnMandate } from '../support/platform-on-mandate.ts';
import { type SmtpServer, startSmtpServer } from '../support/smtp-server.ts';

const actor = { id: 'command' };

describe('the official MCP client with CrossAppAccessProvider', () => {
  const clock = movableClock();
  const issuers: NonNullable<MandateOptions['assertionIssuers']>[number][] = [];
  let idp: IdentityProvider;
  let smtp: SmtpServer;
  let mandate: TestMandate;
  let platform: Platform;
  let editor: BrowserlessClient;
  let stop: () => Promise<void>;
  const atlas = () => `${platform.origin}/mcp/atlas`;

  beforeAll(async () => {
    idp = await startIdentityProvider(clock);
    smtp = await startSmtpServer();
    ({ mandate, platform, stop } = await startPlatformOnMandate({
      clock,
      assertionIssuers: issuers,
      mail: { route: { kind: 'smtp', url: smtp.url }, from: 'Mandate <mandate@acme.test>', language: 'en' },
    }));
    idp.audience = mandate.issuer;
    // Nobody is linked with anything: the operator trusts the addresses of one domain.
    issuers.push(
      trustIn(idp.issuer, { capabilities: ['mcp'], resources: [atlas()], emailDomains: ['acme.test'] }),
    );
    await mandate.stores.clients.saveRegistered(actor, {
      id: assistant.here.id,
      metadata: {
        client_name: 'Acme Assistant',
        redirect_uris: [],
        response_types: [],
        grant_types: [assertionGrant],
        token_endpoint_auth_method: 'client_secret_basic',
      },
      secret: assistant.here.secret,
    });
    editor = await signIn(mandate.issuer, 'editor@acme.test');
  });
  beforeEach(() => {
    // The client says on the console what it throws as well.
    jest.spyOn(console, 'warn').mockImplementation(() => {});
  });
  afterAll(async () => {
    await stop();
    await idp.stop();
    await smtp.stop();
  });

  async function whoami(email = 'editor@acme.test'): Promise<unknown> {
    idp.people.set('u-1', { email, email_verified: true });
    const authProvider = new CrossAppAccessProvider({
      assertion: async ({ authorizationServerUrl, resourceUrl, scope, fetchFn }) => {
        const { jwtAuthGrant } = await discoverAndRequestJwtAuthGrant({
          idpUrl: idp.issuer,
          audience: authorizationServerUrl,
          resource: resourceUrl,
          idToken: await idp.idToken('u-1'),
          clientId: assistant.there.id,
          clientSecret: assistant.there.secret,
          ...(scope !== undefined && { scope }),
          fetchFn,
        });
        return jwtAuthGrant;
      },
      clientId: assistant.here.id,
      clientSecret: assistant.here.secret,
      expectedIssuer: mandate.issuer,
    });
    const client = new Client({ name: 'Assistant', version: '2' });
    try {
      await client.connect(new StreamableHTTPClientTransport(new URL(atlas()), { authProvider }));
      const { content } = (await client.callTool({ name: 'whoami', arguments: {} })) as {
        content: { text: string }[];
      };
      return JSON.parse(content[0]?.text ?? 'null');
    } finally {
      await client.close();
    }
  }
  const authorization = async () => {
    const user = await mandate.stores.users.findByEmail('editor@acme.test');
    const all = await mandate.stores.authorizations.listByUser(user?.id ?? '');
    return all.find(({ clientId }) => clientId === assistant.here.id);
  };
  const open = async () => editor.get(`/account/authorizations/${(await authorization())?.id}`);

  test('calls its MCP server as the person, who was asked nothing', async () => {
    expect(await whoami()).toMatchObject({ username: 'editor@acme.test', scopes: ['mcp'] });
    expect(await authorization()).toMatchObject({
      status: 'active',
      capabilities: ['mcp'],
      projects: [],
      resource: atlas(),
      createdBy: 'issuer:acme',
    });
  });

  test('the person gets a mail about it, and finds on their page by whom it was set up', async () => {
    const { to, subject, text } = await smtp.next();
    expect([to, subject]).toEqual([['editor@acme.test'], 'A tool was connected to your account']);
    expect(text).toContain(`/account/authorizations/${(await authorization())?.id}`);
    const page = await open();
    expect(page.text).toContain('Set up by Acme Login, without a question to you.');
    expect((await editor.get('/account/authorizations')).text).toContain('Acme Login');
  });

  test('a second connection finds what there is', async () => {
    const before = (await authorization())?.id;
    expect(await whoami()).toMatchObject({ scopes: ['mcp'] });
    expect((await authorization())?.id).toBe(before);
    expect(smtp.received).toHaveLength(1);
  });

  test('an address that is somebody else’s there, or of a domain that is not listed, opens nothing', async () => {
    await expect(whoami('editor@elsewhere.test')).rejects.toThrow('no account here');
    const user = await mandate.stores.users.findByEmail('viewer@acme.test');
    const other = { issuer: idp.issuer, subject: 'u-9', email: undefined, name: undefined };
    await mandate.store.transact((trx) =>
      mandate.stores.upstreamAccounts.link(trx, actor, user?.id ?? '', other),
    );
    await expect(whoami('viewer@acme.test')).rejects.toThrow('no account here');
  });

  test('revoked on the page, it is not set up again; the list says so', async () => {
    const list = await editor.submit(await open(), 'Revoke', {}, { follow: true });
    expect(list.text).toContain('Not set up again');
    await expect(whoami()).rejects.toThrow('its owner can allow it again');
    expect((await authorization())?.status).toBe('revoked');
  });

  test('allowed again on the page, it is another authorization that says the same', async () => {
    const revoked = await authorization();
    const again = await editor.submit(await open(), 'Allow again', {}, { follow: true });
    expect(again.text).toContain('Allowed again.');
    expect(again.text).not.toContain('without a question to you');
    const made = await authorization();
    expect(made).toMatchObject({ status: 'active', capabilities: ['mcp'], createdBy: revoked?.userId });
    expect(made?.id).not.toBe(revoked?.id);
    expect(await whoami()).toMatchObject({ scopes: ['mcp'] });
    expect((await editor.get('/account/authorizations')).text).not.toContain('Not set up again');
    // The old page has nothing to allow any more.
    const old = await editor.get(`/account/authorizations/${revoked?.id}`);
    expect(old.text).not.toContain('Allow again');
  });

  test('one that its owner gave an end is over then, until they allow it again', async () => {
    const found = await authorization();
    const content = { ...found, expiresAt: clock.now() + 60 } as Parameters<
      typeof mandate.stores.authorizationEditor.edit
    >[3];
    await mandate.stores.authorizationEditor.edit(actor, found?.id ?? '', found?.version ?? 0, content);
    expect(await whoami()).toMatchObject({ scopes: ['mcp'] });
    clock.advance(61);
    await expect(whoami()).rejects.toThrow('its owner can allow it again');
    await editor.submit(await open(), 'Allow again', {}, { follow: true });
    expect(await whoami()).toMatchObject({ scopes: ['mcp'] });
  });

  test('a browser that somebody is signed in with makes no difference', async () => {
    const person = { email: 'admin@acme.test', email_verified: true };
    const claims = { sub: 'u-2', resource: atlas(), ...person };
    const fields = { grant_type: assertionGrant, assertion: await idp.mint({ claims }) };
    // A page is no place for a confidential client at all.
    const basic = Buffer.from(`${assistant.here.id}:${assistant.here.secret}`).toString('base64');
    const fromPage = await editor.postForm('/token', fields, {
      headers: { Authorization: `Basic ${basic}` },
    });
    expect([fromPage.status, fromPage.body]).toEqual([
      400,
      expect.stringContaining('not allowed for client'),
    ]);
    const headers = { Cookie: editor.cookieHeader('/token') };
    const { body } = await askToken(mandate.issuer, fields, assistant.here, headers);
    expect(await introspect(mandate.issuer, body.access_token ?? '', demo.mcpServer)).toMatchObject({
      username: 'admin@acme.test',
    });
  });

  test('what is sensitive is allowed again with a fresh sign-in alone', async () => {
    const borealis = `${platform.origin}/mcp/borealis`;
    const [trusted] = issuers.splice(0);
    issuers.push(
      trustIn(idp.issuer, { ...trusted, capabilities: ['mcp', 'secrets:edit'], resources: [borealis] }),
    );
    const email = 'owner@acme.test';
    const user = await mandate.stores.users.findByEmail(email);
    const own = async () => {
      const all = await mandate.stores.authorizations.listByUser(user?.id ?? '');
      return all.find(({ resource }) => resource === borealis);
    };
    const claims = { sub: 'u-3', resource: borealis, scope: 'mcp secrets:edit', email, email_verified: true };
    const fields = { grant_type: assertionGrant, assertion: await idp.mint({ claims }) };
    expect((await askToken(mandate.issuer, fields, assistant.here)).body.scope).toBe('mcp');
    expect((await own())?.capabilities).toEqual(['mcp', 'secrets:edit']);
    await mandate.stores.authorizations.revoke(actor, (await own())?.id ?? '');
    const owner = await signIn(mandate.issuer, email);
    clock.advance(601);
    const page = await owner.get(`/account/authorizations/${(await own())?.id}`);
    const asked = await owner.submit(page, 'Allow again', {}, { follow: true });
    expect((await own())?.status).toBe('revoked');
    const done = await owner.submit(asked, 'Confirm', { Password: demo.password }, { follow: true });
    expect(done.text).toContain('Allowed again.');
    expect(await own()).toMatchObject({ status: 'active', capabilities: ['mcp', 'secrets:edit'] });
    issuers.splice(0, 1, trusted as (typeof issuers)[number]);
  });

  test('policies on lifetimes and on clients apply', async () => {
    const { policy } = await mandate.stores.policies.read();
    const rule = (changed: object) =>
      mandate.store.transact((trx) => mandate.stores.policies.replace(trx, actor, { ...policy, ...changed }));
    await rule({ longest: { ...policy.longest, oauth2: 600 } });
    clock.advance(601);
    await expect(whoami()).rejects.toThrow('older than the organization allows');
    const found = await authorization();
    const content = { ...found, expiresAt: clock.now() + 599 } as Parameters<
      typeof mandate.stores.authorizationEditor.edit
    >[3];
    await mandate.stores.authorizationEditor.edit(actor, found?.id ?? '', found?.version ?? 0, content);
    expect(await whoami()).toMatchObject({ scopes: ['mcp'] });

    await rule({ clients: { ...policy.clients, permitted: 'verified' } });
    expect(await whoami()).toMatchObject({ scopes: ['mcp'] });
    await mandate.stores.clients.unverify(actor, assistant.here.id);
    await expect(whoami()).rejects.toThrow('does not let this client be authorized');
    const count = async () =>
      (await mandate.store.db.selectFrom('authorizations').select('id').execute()).length;
    const before = await count();
    await expect(whoami('owner@acme.test')).rejects.toThrow('does not let this client be authorized');
    expect(await count()).toBe(before);
    await mandate.stores.clients.verify(actor, assistant.here.id);
    await rule({});
  });

  test('a capability that needs an approval waits for it, asked for in the issuer’s name', async () => {
    await mandate.stores.authorizations.revoke(actor, (await authorization())?.id ?? '');
    const { policy } = await mandate.stores.policies.read();
    const capabilities = new Map([['mcp', { longest: null, approval: true }]]);
    await mandate.store.transact((trx) =>
      mandate.stores.policies.replace(trx, actor, { ...policy, capabilities }),
    );
    await expect(whoami('owner@acme.test')).rejects.toThrow('waits for an approval');
    const [request] = await mandate.stores.approvals.list({ status: 'pending', limit: 2 });
    expect(request).toMatchObject({ capability: 'mcp', requestedBy: 'issuer:acme' });
    await mandate.store.transact((trx) =>
      mandate.stores.approvals.decide(trx, actor, {
        id: request?.id ?? '',
        version: request?.version ?? 0,
        status: 'approved',
        note: null,
      }),
    );
    expect(await whoami('owner@acme.test')).toMatchObject({ username: 'owner@acme.test', scopes: ['mcp'] });
  });
});
