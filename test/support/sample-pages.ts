/** Sample models of every page: what the preview shows and the escaping tests poison. */

import { join } from 'node:path';
import { createAssets } from '../../src/http/assets.ts';
import { buildErrorPage } from '../../src/http/error-page.ts';
import type { Locale } from '../../src/http/locale.ts';
import { loadMessages } from '../../src/http/messages.ts';
import { createRenderer } from '../../src/http/render.ts';
import { buildStartPage } from '../../src/http/start-page.ts';
import { type ClientFacts, faceOf } from '../../src/interaction/client-face.ts';
import { buildClientRefusedPage } from '../../src/interaction/client-refused-page.ts';
import { offeredLifetimes } from '../../src/interaction/consent-lifetime.ts';
import { buildConsentPage, type ConsentInput } from '../../src/interaction/consent-page.ts';
import { buildDeviceConfirmPage, buildDeviceEntryPage } from '../../src/interaction/device-page.ts';
import { buildReturnByHandPage } from '../../src/interaction/native-return.ts';
import { buildSignInPage } from '../../src/interaction/sign-in-page.ts';
import type { Bound, Capability } from '../../src/policy/vocabulary.ts';
import { accountSamples } from './sample-account-pages.ts';
import { signInSamples, waysIn } from './sample-sign-in-pages.ts';

const root = join(import.meta.dirname, '../..');
export const viewsRoot = join(root, 'views');
export const messages = loadMessages(join(root, 'config/messages'));
export const assets = createAssets({ viewsRoot });
export const renderer = createRenderer({ viewsRoot, messages, assets, cache: true });

/** Noon on 21 November 2026, UTC. */
export const now = 1_795_262_400;

const shipped: readonly (readonly [string, Bound, boolean])[] = [
  ['mcp', 'mcp_server', false],
  ['api', 'organization', false],
  ['apps:view', 'organization', false],
  ['apps:admin', 'organization', true],
  ['flows:edit', 'project', false],
  ['secrets:edit', 'project', true],
  ['endpoints:access', 'project', false],
  ['mandate:admin', 'organization', true],
];

/** The shipped catalogue, in the words of the English messages. */
export const catalogue: ReadonlyMap<string, Capability> = new Map(
  shipped.map(([name, bound, sensitive]) => {
    const { t } = messages.words('en');
    return [
      name,
      {
        name,
        bound,
        sensitive,
        title: t(`capability.${name}.title`),
        consequence: t(`capability.${name}.consequence`),
        ...(sensitive && { worstCase: t(`capability.${name}.worst_case`) }),
        implies: name === 'apps:admin' ? ['apps:view'] : [],
      },
    ] as const;
  }),
);

const editor = {
  id: 'rol_editor',
  slug: 'editor',
  name: 'Editor',
  capabilities: ['mcp', 'flows:edit', 'endpoints:access'],
};
const viewer = { id: 'rol_viewer', slug: 'viewer', name: 'Viewer', capabilities: ['mcp'] };

export const claude: ClientFacts = {
  clientId: 'https://claude.ai/oauth/claude-code-client-metadata',
  name: 'Claude Code',
  verified: false,
  redirectHost: 'localhost:33418',
  localOnly: true,
  metadataDocumentHost: 'claude.ai',
};
export const cli: ClientFacts = {
  clientId: 'mandate-cli',
  name: 'Mandate CLI',
  verified: true,
  localOnly: true,
  redirectHost: '127.0.0.1',
};
export const web: ClientFacts = {
  clientId: 'dyn_4hPq81',
  name: 'Northwind Reports',
  verified: false,
  host: 'reports.northwind.example',
  redirectHost: 'reports.northwind.example',
  localOnly: false,
};

/** What `editor@acme.test` is offered, asked for by an assistant that connects to atlas-flows. */
export function consentInput(locale: Locale = 'en', change: Partial<ConsentInput> = {}): ConsentInput {
  return {
    words: messages.words(locale),
    now,
    action: '/interaction/uid/consent',
    pageHref: '/interaction/uid/consent',
    csrf: 'csrf-token',
    client: claude,
    account: { id: 'usr_editor', name: 'Edda Torvik', email: 'editor@acme.test' },
    switchAccount: { href: '/interaction/uid/switch-account', method: 'post' },
    asked: { capabilities: ['mcp', 'flows:edit'], resource: 'http://localhost:4100/mcp/atlas' },
    lifetimes: offeredLifetimes,
    catalogue,
    delegable: ['mcp', 'api', 'apps:view', 'flows:edit', 'endpoints:access'],
    projects: [
      { id: 'prj_atlas', slug: 'atlas', name: 'Atlas', yourRole: 'Editor', offeredRoles: [editor, viewer] },
      {
        id: 'prj_borealis',
        slug: 'borealis',
        name: 'Borealis research',
        yourRole: 'Viewer',
        offeredRoles: [viewer],
      },
    ],
    servers: [
      {
        id: 'mcp_1',
        name: 'atlas-flows',
        resource: 'http://localhost:4100/mcp/atlas',
        projectId: 'prj_atlas',
        projectSlug: 'atlas',
      },
      {
        id: 'mcp_2',
        name: 'borealis-reports',
        resource: 'http://localhost:4100/mcp/borealis',
        projectId: 'prj_borealis',
        projectSlug: 'borealis',
      },
    ],
    ...change,
  };
}

export interface Sample {
  readonly name: string;
  readonly template: string;
  readonly model: object;
}

/** Every page in its interesting states. */
export function samplePages(locale: Locale): Sample[] {
  const words = messages.words(locale);
  const consent = (name: string, change: Partial<ConsentInput> = {}): Sample => ({
    name: `consent-${name}`,
    template: 'consent',
    model: buildConsentPage(consentInput(locale, change)),
  });
  const everything = {
    asked: { capabilities: ['api', 'flows:edit', 'secrets:edit'] },
    delegable: [...catalogue.keys()],
  };
  const many = Array.from({ length: 40 }, (_, at) => ({
    id: `prj_${at}`,
    slug: `project-${at}-${'abcdefgh'.repeat(at % 3)}`,
    name: `Project ${at}`,
    yourRole: 'Editor',
    offeredRoles: [editor, viewer],
  }));
  const device = {
    action: '/device',
    xsrf: 'xsrf',
    userCode: 'WDJBM-JHTXK',
    address: '203.0.113.7',
    requestedAt: now - 95,
    now,
  };
  return [
    {
      name: 'client-refused',
      template: 'client-refused',
      model: buildClientRefusedPage(
        { client: web, refusal: 'not_verified', action: '/interaction/uid/consent', csrf: 'csrf-token' },
        words,
      ),
    },
    consent('terms', {
      ...everything,
      lifetimes: [3_600, 86_400],
      terms: new Map([
        ['flows:edit', { approval: 'pending' as const }],
        ['secrets:edit', { longest: 3_600, approval: 'none' as const }],
      ]),
      justification: 'Nightly export.',
      notices: [{ kind: 'lifetime_too_long', longest: 86_400 }],
    }),
    {
      name: 'start',
      template: 'start',
      model: buildStartPage(
        {
          issuer: 'http://localhost:4000',
          demo: true,
          platform: 'http://localhost:4100',
          offers: () => true,
        },
        words,
      ),
    },
    {
      name: 'start-bare',
      template: 'start',
      model: buildStartPage({ issuer: 'https://auth.example', demo: false, offers: () => false }, words),
    },
    {
      name: 'sign-in',
      template: 'sign-in',
      model: buildSignInPage({ action: '/sign-in', csrf: 'c', ...waysIn }),
    },
    {
      name: 'sign-in-wrong',
      template: 'sign-in',
      model: buildSignInPage({
        action: '/sign-in',
        csrf: 'c',
        ...waysIn,
        email: 'editor@acme.test',
        client: claude,
        problem: { kind: 'wrong' },
      }),
    },
    {
      name: 'sign-in-too-many',
      template: 'sign-in',
      model: buildSignInPage({
        action: '/sign-in',
        csrf: 'c',
        ...waysIn,
        email: 'editor@acme.test',
        client: web,
        problem: { kind: 'too_many', retryAfterSeconds: 250 },
      }),
    },
    consent('assistant', { byHand: true }),
    consent('web', { client: web, ...everything, preset: 'custom', notices: [{ kind: 'nothing_chosen' }] }),
    consent('returning', {
      previous: {
        capabilities: ['mcp', 'flows:edit', 'secrets:edit'],
        projects: [
          { id: 'prj_atlas', roles: ['rol_viewer'] },
          { id: 'prj_gone', roles: [] },
        ],
        mcpServers: ['mcp_1'],
        lifetimeSeconds: null,
      },
      notices: [{ kind: 'not_granted', items: ['borealis'] }],
    }),
    consent('device', {
      client: { ...cli, redirectHost: undefined, onDevice: true },
      asked: { capabilities: ['api', 'flows:edit'], resource: 'http://localhost:4100/api' },
      switchAccount: { href: '/switch', method: 'get' },
    }),
    consent('many', { client: cli, asked: { capabilities: [] }, projects: many }),
    consent('empty', {
      delegable: [],
      projects: [],
      servers: [],
      asked: {
        capabilities: ['flows:edit'],
        resource: 'http://localhost:4100/mcp/cygnus',
        resourceKind: 'mcp_server',
      },
    }),
    {
      name: 'device-entry',
      template: 'device-entry',
      model: buildDeviceEntryPage({ action: '/device', xsrf: 'x' }),
    },
    {
      name: 'device-entry-expired',
      template: 'device-entry',
      model: buildDeviceEntryPage({
        action: '/device',
        xsrf: 'x',
        typed: 'wdjb mjht',
        problem: { kind: 'expired' },
      }),
    },
    {
      name: 'device-confirm',
      template: 'device-confirm',
      model: buildDeviceConfirmPage({
        ...device,
        client: cli,
        userAgent: 'mandate/0.1.0 (linux; x64) node/24.21.0',
      }),
    },
    {
      name: 'device-approved',
      template: 'device-done',
      model: { outcome: 'approved', client: faceOf(cli), authorizationsHref: '/account/authorizations' },
    },
    { name: 'device-denied', template: 'device-done', model: { outcome: 'denied' } },
    { name: 'device-cancelled', template: 'device-done', model: { outcome: 'cancelled' } },
    {
      name: 'error',
      template: 'error',
      model: buildErrorPage(
        'bad_request',
        {
          status: 400,
          requestId: '019b2f0c-7c11-7e6a-9d0e-5b9f5d1f3a77',
          code: 'invalid_redirect_uri',
          detail: 'redirect_uri did not match any of the client’s registered redirect_uris',
          links: [{ href: '/', label: 'Mandate' }],
        },
        words,
      ),
    },
    {
      name: 'error-client-gone',
      template: 'error',
      model: buildErrorPage(
        'client_gone',
        {
          status: 400,
          requestId: '019b2f0c',
          code: 'invalid_client',
          detail: 'client is invalid',
          clientId: 'dcr_Q0m0CkU1ZyBtYW5kYXRlIGlzIGdvbmUh',
          advice: 'vs_code',
        },
        words,
      ),
    },
    {
      name: 'error-document',
      template: 'error',
      model: buildErrorPage(
        'document_unusable',
        {
          status: 400,
          requestId: '019b2f0c',
          code: 'invalid_client',
          detail: 'the client metadata document cannot be used: the host answered 404',
          clientId: `https://tool.example/${'very-long-path/'.repeat(12)}client.json`.slice(0, 200),
          lastGoodAt: now - 90_000,
        },
        words,
      ),
    },
    {
      name: 'error-plain',
      template: 'error',
      model: buildErrorPage('interaction_expired', { status: 400, requestId: '019b2f0c' }, words),
    },
    {
      name: 'sign-out',
      template: 'sign-out',
      model: {
        action: '/session/end',
        xsrf: 'x',
        account: { name: 'Edda', email: 'editor@acme.test' },
        client: faceOf(web),
      },
    },
    { name: 'signed-out', template: 'signed-out', model: { signInHref: '/sign-in' } },
    ...[true, false].map((denied) => ({
      name: denied ? 'hand-over-denied' : 'hand-over',
      template: 'hand-over',
      model: {
        client: faceOf({ ...claude, redirectHost: 'com.example.assistant:' }),
        scheme: 'com.example.assistant:',
        address: `com.example.assistant:/callback?${denied ? 'error=access_denied' : 'code=c'}&state=s`,
        denied,
        atOnce: false,
      },
    })),
    ...['code=dd5V2mG0v-vQ1p9bYB2vXyQw8cQk3qJ0rZ7aT1uLx4', 'error=access_denied'].map((answer, index) => ({
      name: `return-by-hand-${index}`,
      template: 'return-by-hand',
      model: buildReturnByHandPage(
        `http://localhost:33418/callback?${answer}&state=5Hq&iss=https%3A%2F%2Fid.example`,
      ),
    })),
    {
      name: 'start-nav',
      template: 'start',
      model: {
        ...buildStartPage({ issuer: 'http://localhost:4000', demo: false, offers: () => true }, words),
        nav: {
          items: [
            { href: '/a', label: 'Authorizations', current: true },
            { href: '/b', label: 'API keys', current: false },
            { href: '/c', label: 'Security', current: false },
          ],
          account: { name: 'Edda', email: 'editor@acme.test' },
          signOutHref: '/sign-out',
        },
      },
    },
    ...accountSamples({ words, now, catalogue, client: web }),
    ...signInSamples({ words, now }),
  ];
}
