/** `/account/authorizations`: what a person handed out, and the API keys that are theirs to see. */
import Router from '@koa/router';
import type Koa from 'koa';
import type { ApiKeyStore } from '../authorizations/api-key-store.ts';
import type { AssertedStore } from '../authorizations/asserted-store.ts';
import type { Authorization } from '../authorizations/authorization.ts';
import type { AuthorizationList, KeyOwners, PageQuery } from '../authorizations/authorization-list.ts';
import type { Clock } from '../clock.ts';
import type { LiveAccess, LiveAccessSource } from '../directory/live-access.ts';
import type { WorldSource } from '../directory/world.ts';
import type { PageWriter } from '../http/page-writer.ts';
import { faceOf } from '../interaction/client-face.ts';
import { displayText } from '../interaction/display-text.ts';
import type { AssertionIssuer } from '../oauth/assertion-issuer.ts';
import { unite } from '../policy/additions.ts';
import { noLimits } from '../policy/limits.ts';
import type { World } from '../policy/vocabulary.ts';
import { returningIssuer } from './asserted-routes.ts';
import { grantsHref, keysHref } from './authorization-page.ts';
import {
  type AuthorizationsPage,
  authorizationRow,
  type EndedRow,
  type ListedAuthorization,
} from './authorizations-page.ts';
import { newKeyHref } from './key-page.ts';
import { type AccountSession, accountNav, type Visit } from './session.ts';
import type { Situations } from './situations.ts';

const rowsShown = 20;

export interface ListDependencies {
  readonly session: AccountSession;
  readonly pages: PageWriter;
  readonly clock: Clock;
  readonly situations: Situations;
  readonly authorizationList: AuthorizationList;
  readonly apiKeys: ApiKeyStore;
  readonly asserted: Pick<AssertedStore, 'listEnded'>;
  readonly assertionIssuers?: readonly AssertionIssuer[] | undefined;
  readonly liveAccess: LiveAccessSource;
  readonly worldSource: WorldSource;
}

interface Found {
  readonly rows: readonly ListedAuthorization[];
  readonly world: World;
  readonly older: string | undefined;
}

export function createListRoutes(deps: ListDependencies): Router {
  const { session, pages, clock, situations } = deps;
  const router = new Router({ prefix: '/account' });
  router.get('/', (ctx) => {
    ctx.redirect(grantsHref);
    ctx.status = 303;
  });
  router.get('/authorizations', (ctx) => session.visit(ctx, (visit) => show(ctx, visit)));
  return router;

  async function show(ctx: Koa.Context, visit: Visit): Promise<void> {
    const given = new URLSearchParams(ctx.querystring);
    const keys = given.get('tab') === 'api-keys';
    const search = (given.get('q') ?? '').slice(0, 200).trim();
    const before = given.get('before') ?? undefined;
    const query: PageQuery = {
      limit: rowsShown + 1,
      ...(search !== '' && { search }),
      ...(before !== undefined && { before }),
    };
    const owners = keys ? ownersFor(visit, given.get('whose')) : undefined;
    const found = owners ? await findKeys(visit, owners, query) : await findGrants(visit, query);

    const ended = keys || search !== '' || before !== undefined ? [] : await findEnded(visit);

    const tab = keys ? keysHref : grantsHref;
    const whose = given.get('whose') ?? '';
    const link = (parameters: Record<string, string>) => {
      const kept = { ...(keys && { tab: 'api-keys' }), ...(whose !== '' && { whose }) };
      const text = new URLSearchParams({ ...kept, ...parameters }).toString();
      return text === '' ? grantsHref : `${grantsHref}?${text}`;
    };
    pages.show(ctx, 'account/authorizations', (words): AuthorizationsPage => {
      const { t } = words;
      return {
        nav: accountNav(visit, t),
        now: clock.now(),
        tabs: [
          { href: grantsHref, label: t('account.tab.grants'), current: tab === grantsHref },
          { href: keysHref, label: t('account.tab.api_keys'), current: tab === keysHref },
        ],
        kind: keys ? 'api_key' : 'oauth2',
        search: {
          action: grantsHref,
          text: search,
          shown: search !== '' || before !== undefined || found.older !== undefined,
        },
        whose:
          owners && widestOwners(visit).kind !== 'own'
            ? [
                {
                  href: keysHref,
                  label: t('account.list.all_keys'),
                  current: owners.kind !== 'own',
                },
                {
                  href: `${keysHref}&whose=own`,
                  label: t('account.list.own_keys'),
                  current: owners.kind === 'own',
                },
              ]
            : [],
        ...(keys && { newKeyHref }),
        ended,
        rows: found.rows.map((row) => authorizationRow(row, found.world, clock.now(), words)),
        ...(before !== undefined && { newerHref: link(search === '' ? {} : { q: search }) }),
        ...(found.older !== undefined && {
          olderHref: link({ ...(search !== '' && { q: search }), before: found.older }),
        }),
        ...(given.has('revoked') && { notice: t('account.notice.done_revoked') }),
      };
    });
  }

  async function findGrants(visit: Visit, query: PageQuery): Promise<Found> {
    const found = await deps.authorizationList.grants(visit.person.user.id, query);
    const listed = found.slice(0, rowsShown);
    const [world, limits] = await Promise.all([worldOf(listed), situations.limitsOf(listed)]);
    const rows = await Promise.all(
      listed.map(async (authorization) => ({
        authorization,
        effective: situations.judge(
          authorization,
          visit.person,
          world,
          limits.get(authorization.id) ?? noLimits,
        ),
        client: await situations.clientOf(authorization.clientId),
        createdBy: await situations.nameActor(authorization.createdBy),
      })),
    );
    return { rows, world, older: olderOf(found, listed) };
  }

  async function findEnded(visit: Visit): Promise<EndedRow[]> {
    if ((deps.assertionIssuers ?? []).length === 0) return [];
    const ended = await deps.asserted.listEnded(visit.person.user.id);
    const rows: EndedRow[] = [];
    for (const authorization of ended) {
      const issuer = returningIssuer(authorization, deps.assertionIssuers);
      if (!issuer || rows.length === rowsShown) continue;
      const client = await situations.clientOf(authorization.clientId);
      rows.push({
        href: `${grantsHref}/${authorization.id}`,
        ...(client && { client: faceOf(client) }),
        resource: displayText(authorization.resource ?? '', 254),
        setUpBy: displayText(issuer.label),
      });
    }
    return rows;
  }

  async function findKeys(visit: Visit, owners: KeyOwners, query: PageQuery): Promise<Found> {
    const found = await deps.authorizationList.keys(owners, query);
    const listed = found.slice(0, rowsShown);
    const authorizations = listed.map(({ authorization }) => authorization);
    const [world, limits, endings] = await Promise.all([
      worldOf(authorizations),
      situations.limitsOf(authorizations),
      deps.apiKeys.newestEndings(authorizations.map(({ id }) => id)),
    ]);
    const people = new Map<string, LiveAccess>([[visit.person.user.id, visit.person]]);
    const rows: ListedAuthorization[] = [];
    for (const { authorization, owner } of listed) {
      const { userId } = authorization;
      const known = people.get(userId) ?? (await deps.liveAccess.read(userId));
      if (!known) continue;
      people.set(userId, known);
      rows.push({
        authorization,
        effective: situations.judge(authorization, known, world, limits.get(authorization.id) ?? noLimits),
        secretEnding: endings.get(authorization.id),
        owner: userId === visit.person.user.id ? undefined : owner.email,
        createdBy: await situations.nameActor(authorization.createdBy),
      });
    }
    return {
      rows,
      world,
      older: olderOf(
        found.map((one) => one.authorization),
        authorizations,
      ),
    };
  }

  /** What the shown ones mention; everything, when one of them follows its owner. */
  async function worldOf(listed: readonly Authorization[]): Promise<World> {
    if (listed.some(({ followsOwner }) => followsOwner)) return deps.worldSource.whole();
    const { projects, mcpServers } = unite(
      { capabilities: [], projects: [], mcpServers: [] },
      listed.flatMap((authorization) => [authorization, ...authorization.additions]),
    );
    return deps.worldSource.of({ projects: projects.map(({ id }) => id), mcpServers });
  }
}

function olderOf(found: readonly Authorization[], shown: readonly Authorization[]): string | undefined {
  return found.length > shown.length ? shown.at(-1)?.id : undefined;
}

/** Whose keys somebody may look through; their own unless a permission says otherwise. Pure. */
function widestOwners({ person }: Visit): KeyOwners {
  const { organization } = person.live;
  if (organization.has('api-keys.manage')) return { kind: 'everyone' };
  return {
    kind: organization.has('service-accounts.update') ? 'own_and_service_accounts' : 'own',
    userId: person.user.id,
  };
}

function ownersFor(visit: Visit, whose: string | null): KeyOwners {
  return whose === 'own' ? { kind: 'own', userId: visit.person.user.id } : widestOwners(visit);
}
