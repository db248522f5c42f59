/** Sample models of a person's own pages. */

import { buildAuthorizationPage } from '../../src/account/authorization-page.ts';
import { authorizationRow, ownerRolesOn } from '../../src/account/authorizations-page.ts';
import { describeRecord } from '../../src/account/change-words.ts';
import { buildKeySecretPage, buildNewKeyPage, keyLifetimes } from '../../src/account/key-page.ts';
import type { Authorization } from '../../src/authorizations/authorization.ts';
import type { Words } from '../../src/http/messages.ts';
import type { ClientFacts } from '../../src/interaction/client-face.ts';
import { offerTo } from '../../src/interaction/consent-offer.ts';
import { policyOffer } from '../../src/interaction/policy-offer.ts';
import type { Approval } from '../../src/policies/approval-store.ts';
import { effective } from '../../src/policy/effective.ts';
import { offeredKeyRoles } from '../../src/policy/key-decision.ts';
import { noLimits } from '../../src/policy/limits.ts';
import { openPolicy, type Policy } from '../../src/policy/policy.ts';
import type { Catalogue, World } from '../../src/policy/vocabulary.ts';

const day = 86_400;

/** Builds one model of each page. */
export function accountSamples(facts: {
  readonly words: Words;
  readonly now: number;
  readonly catalogue: Catalogue;
  readonly client: ClientFacts;
}) {
  const { words, now, catalogue, client } = facts;
  const role = (slug: string, ...permissions: string[]) => ({
    slug,
    name: `Role ${slug}`,
    permissions: new Set(permissions),
  });
  const world: World = {
    catalogue,
    projects: new Map([
      ['prj_1', { slug: 'atlas', name: 'Atlas' }],
      ['prj_2', { slug: 'borealis', name: 'Borealis research' }],
    ]),
    mcpServers: new Map([
      [
        'mcp_1',
        {
          name: 'atlas-flows',
          project: 'prj_1',
          resource: 'http://localhost:4100/mcp/atlas',
          enabled: true,
        },
      ],
    ]),
    roles: new Map([
      ['rol_1', role('editor', 'api', 'mcp', 'flows:edit')],
      ['rol_2', role('viewer', 'api', 'mcp')],
    ]),
  };
  const person = {
    user: { id: 'usr_1', kind: 'person' as const, email: 'editor@acme.test', name: 'Edda Torvik' },
    version: 1,
    live: {
      status: 'active' as const,
      organization: new Set(['api']),
      projects: new Map([['prj_1', new Set(['mcp', 'flows:edit'])]]),
    },
    assigned: { organization: ['rol_2'], projects: new Map([['prj_1', ['rol_1']]]) },
  };
  const nav = {
    items: [{ href: '/account/authorizations', label: 'Authorizations', current: true }],
    account: { name: 'Edda', email: 'editor@acme.test' },
    signOutHref: '/session/end',
  };
  const authorization: Authorization = {
    id: 'az_1',
    kind: 'api_key',
    userId: 'usr_1',
    clientId: null,
    resource: null,
    install: null,
    name: 'Nightly export',
    status: 'active',
    followsOwner: false,
    capabilities: ['api', 'mcp', 'secrets:edit'],
    roles: ['rol_1'],
    projects: [
      { id: 'prj_1', roles: ['rol_1', 'rol_2'] },
      { id: 'prj_2', roles: ['rol_1'] },
      { id: 'prj_gone', roles: [] },
    ],
    mcpServers: ['mcp_1', 'mcp_gone'],
    asked: [],
    version: 3,
    expiresAt: now + 30 * day,
    createdBy: 'usr_2',
    createdAt: now - day,
    updatedAt: now - day,
    renewedAt: now - day,
    additions: [],
    parentId: null,
    handedOn: undefined,
    revokedAt: null,
    replayedAt: now - 60,
    replayedFrom: '192.0.2.7',
    lastUse: { at: now - 90, by: 'acme-api', from: '192.0.2.1' },
  };
  const holds = effective({ standing: 'active', ...authorization }, person.live, world, noLimits);
  const offer = offerTo(person, world);
  const change = {
    seq: 1,
    at: now - 60,
    action: 'changed',
    actor: 'usr_2',
    origin: '192.0.2.1',
    before: { ...authorization, capabilities: ['api'] },
    after: authorization,
  };
  const policy: Policy = {
    ...openPolicy,
    longest: { oauth2: 30 * day, api_key: 30 * day },
    capabilities: new Map([
      ['secrets:edit', { longest: day, approval: true }],
      ['flows:edit', { longest: null, approval: true }],
    ]),
  };
  const approval: Approval = {
    id: 'apr_1',
    authorizationId: 'az_1',
    capability: 'flows:edit',
    status: 'declined',
    justification: 'Nightly export of the flows.',
    requestedBy: 'usr_1',
    requestedAt: now - day,
    decidedBy: 'usr_2',
    decidedAt: now - 60,
    note: 'Use the service account.',
    version: 2,
  };
  const page = {
    words,
    now,
    nav,
    csrf: 'x',
    authorization,
    effective: holds,
    limits: noLimits,
    policy,
    approvals: [approval],
    world,
    offer,
    keyRoles: offeredKeyRoles(person.live, world),
    ownerRoles: ownerRolesOn(world.projects.keys(), person, world),
    createdBy: 'admin@acme.test',
    nameOf: () => 'editor@acme.test',
    log: [describeRecord(change, 'admin@acme.test', world, words)],
    uses: [],
    rotationFormId: 'once',
    heirs: [{ id: 'usr_ci', name: 'CI', email: 'ci@acme.test' }],
    notices: [{ tone: 'good' as const, text: 'Saved.' }],
  };
  const added = {
    id: 'add_1',
    capabilities: ['flows:edit'],
    projects: [{ id: 'prj_2', roles: ['rol_1'] }],
    mcpServers: [],
    at: now - 60,
    until: now + 3_540,
    by: 'usr_1',
  };
  const listed = { authorization, effective: holds, createdBy: 'admin@acme.test' };
  return [
    {
      name: 'authorizations',
      template: 'account/authorizations',
      model: {
        nav,
        now,
        tabs: [
          { href: '/a', label: 'OAuth2', current: false },
          { href: '/b', label: 'API keys', current: true },
        ],
        kind: 'api_key',
        search: { action: '/a', text: 'export', shown: true },
        whose: [{ href: '/c', label: 'Yours', current: true }],
        ended: [{ href: '/e', resource: 'http://localhost:4100/mcp/atlas', setUpBy: 'Acme Login' }],
        newKeyHref: '/account/api-keys/new',
        rows: [
          authorizationRow({ ...listed, owner: 'ci@acme.test', secretEnding: 'mk_…x9Qa' }, world, now, words),
          authorizationRow(
            { ...listed, authorization: { ...authorization, additions: [added] }, client },
            world,
            now,
            words,
          ),
        ],
        newerHref: '/a',
        olderHref: '/b',
        notice: 'Revoked.',
      },
    },
    {
      name: 'authorization-key',
      template: 'account/authorization',
      model: buildAuthorizationPage({
        ...page,
        authorization: { ...authorization, additions: [added] },
        again: { slice: authorization, lifetime: 'keep', name: 'Nightly export', asked: true },
        secrets: [{ ending: 'mk_…x9Qa', createdAt: now - day, endsAt: now + day }],
        owner: 'ci@acme.test',
      }),
    },
    {
      name: 'authorization-oauth2',
      template: 'account/authorization',
      model: buildAuthorizationPage({
        ...page,
        authorization: { ...authorization, kind: 'oauth2', status: 'suspended', name: null, roles: [] },
        limits: { ...noLimits, everything: 'too_old', end: now - 1 },
        client,
        setUpBy: 'Acme Login',
      }),
    },
    {
      name: 'authorization-revoked',
      template: 'account/authorization',
      model: buildAuthorizationPage({
        ...page,
        authorization: { ...authorization, status: 'revoked', followsOwner: true },
        secrets: [],
        setUpBy: 'Acme Login',
        mayAllowAgain: true,
      }),
    },
    {
      name: 'key-new',
      template: 'account/key-new',
      model: buildNewKeyPage({
        words,
        now,
        nav,
        csrf: 'x',
        formId: 'once',
        name: 'Nightly export',
        owner: person.user,
        owners: [person.user, { ...person.user, id: 'usr_2' }],
        ownerSearch: 'ed',
        foreign: true,
        offer,
        keyRoles: page.keyRoles,
        world,
        chosen: authorization,
        terms: policyOffer(policy, 'api_key', keyLifetimes),
        justification: 'Nightly export.',
        notices: [{ tone: 'problem', text: 'No key was made.' }],
        mayCreateRole: true,
      }),
    },
    {
      name: 'key-secret',
      template: 'account/key-secret',
      model: buildKeySecretPage({
        nav,
        id: 'az_1',
        name: 'Nightly export',
        secret: `mk_${'0'.repeat(49)}`,
        api: 'http://localhost:4100/api',
        now,
        oldEndsAt: now + day,
      }),
    },
    {
      name: 'key-refused',
      template: 'account/key-refused',
      model: { nav, backHref: '/account/authorizations', missing: 'api-keys.create' },
    },
  ];
}
