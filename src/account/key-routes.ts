/** `/account/api-keys`: making a key, for oneself or for somebody else, and giving it a new secret. */
import { randomUUID } from 'node:crypto';
import Router from '@koa/router';
import type Koa from 'koa';
import type { Actor } from '../changes/change-log.ts';
import type { Clock } from '../clock.ts';
import type { LiveAccess } from '../directory/live-access.ts';
import type { RoleStore } from '../directory/role-store.ts';
import type { UserStore } from '../directory/user-store.ts';
import type { WorldSource } from '../directory/world.ts';
import { clientAddress, type TrustedProxies } from '../http/client-address.ts';
import type { Words } from '../http/messages.ts';
import type { PageWriter } from '../http/page-writer.ts';
import type { Limit, RateLimits } from '../http/rate-limit.ts';
import type { Form } from '../http/read-form.ts';
import type { Lifetime } from '../interaction/consent-lifetime.ts';
import { offerTo } from '../interaction/consent-offer.ts';
import { policyOffer } from '../interaction/policy-offer.ts';
import type { Resources } from '../oauth/resources.ts';
import type { PolicyStore } from '../policies/policy-store.ts';
import { withAdditions } from '../policy/additions.ts';
import { administration } from '../policy/administration.ts';
import {
  type KeyManagementPermission,
  mayCreateKey,
  offeredKeyRoles,
  type Slice,
} from '../policy/key-decision.ts';
import type { PageNotice } from './authorization-page.ts';
import { keysHref } from './authorization-page.ts';
import { droppedNames } from './dropped-names.ts';
import { type AllowedKey, delegator, type KeyDesk, longestOverlapHours } from './key-desk.ts';
import { readKeyDraft } from './key-draft.ts';
import { buildKeySecretPage, buildNewKeyPage, type KeyRefusedPage, keyLifetimes } from './key-page.ts';
import { readChoice } from './posted-choice.ts';
import { addsSensitive } from './reauthentication.ts';
import { readNewRole } from './role-in-place.ts';
import { type AccountSession, accountNav, type Visit } from './session.ts';
import type { Situations } from './situations.ts';
import type { StepUp } from './step-up.ts';
import { termsProblem } from './terms-words.ts';

const longestName = 100;
const ownersShown = 50;
/** A form that makes a secret counts once: a reload must not make another. */
const once: Limit = { name: 'key-form', points: 1, windowSeconds: 86_400 };

export interface KeyDependencies {
  readonly session: AccountSession;
  readonly pages: PageWriter;
  readonly clock: Clock;
  readonly situations: Situations;
  readonly keyDesk: KeyDesk;
  readonly users: UserStore;
  readonly roles: RoleStore;
  readonly worldSource: WorldSource;
  readonly policies: Pick<PolicyStore, 'read'>;
  readonly resources: Resources;
  readonly stepUp: StepUp;
  readonly limits: RateLimits;
  readonly trustedProxies: TrustedProxies;
}

/** What was filled in so far. */
interface Draft {
  readonly name: string;
  readonly slice: Slice;
  readonly lifetime?: Lifetime | undefined;
  readonly justification?: string;
  readonly find?: string;
}

interface Showing {
  readonly draft?: Draft;
  readonly status?: number;
  readonly notices?: (words: Words) => PageNotice[];
}

const emptyDraft: Draft = { name: '', slice: { capabilities: [], roles: [], projects: [], mcpServers: [] } };

export function createKeyRoutes(deps: KeyDependencies): Router {
  const { session, pages, clock, users, keyDesk } = deps;
  const router = new Router({ prefix: '/account' });

  router.get('/api-keys/new', (ctx) =>
    session.visit(ctx, async (visit) => {
      const asked = [ctx.query.owner ?? []].flat()[0];
      // Who may make keys for others only starts with one of them.
      const owner = asked ?? (mayCreateFor(visit, visit.person) ? undefined : await firstOwner(visit));
      await withOwner(ctx, visit, owner, async (found) => {
        const world = await deps.worldSource.whole();
        const seen = delegator(visit.person, found, world);
        const query = new URLSearchParams(ctx.querystring);
        const draft = readKeyDraft(query, offerTo(seen, world), offeredKeyRoles(seen.live, world), world);
        await show(ctx, visit, found, { draft });
      });
    }),
  );
  router.post('/api-keys', (ctx) =>
    session.post(ctx, (visit, form) =>
      withOwner(ctx, visit, form.get('owner')?.[0], (owner) => submit(ctx, visit, owner, form)),
    ),
  );
  router.post('/authorizations/:id/rotate', (ctx) =>
    session.post(ctx, (visit, form) => rotate(ctx, visit, form)),
  );
  return router;

  /** Finds the owner that a key is for; somebody who may not make it is told what it takes. */
  async function withOwner(
    ctx: Koa.Context,
    visit: Visit,
    id: string | undefined,
    step: (owner: LiveAccess) => Promise<void>,
  ): Promise<void> {
    const found = await keyDesk.ownerFor(visit.person, id ?? visit.person.user.id);
    if (found.kind === 'forbidden') return refuse(ctx, visit, found.missing);
    if (found.kind === 'no_owner') return pages.fail(ctx, 'not_found', { status: 404 });
    await step(found.owner);
  }

  function refuse(ctx: Koa.Context, visit: Visit, missing: KeyManagementPermission): void {
    pages.show(
      ctx,
      'account/key-refused',
      ({ t }): KeyRefusedPage => ({ nav: accountNav(visit, t), backHref: keysHref, missing }),
      { status: 403 },
    );
  }

  async function show(ctx: Koa.Context, visit: Visit, owner: LiveAccess, showing: Showing = {}) {
    const { draft = emptyDraft, status = 200, notices = () => [] } = showing;
    const search = [ctx.query.q ?? []].flat()[0]?.slice(0, 200).trim();
    const [world, found, { policy }] = await Promise.all([
      deps.worldSource.whole(),
      ownersFor(visit, search),
      deps.policies.read(),
    ]);
    const others = found.filter(({ id }) => id !== owner.user.id).slice(0, ownersShown);
    const owners = found.length === 0 ? [] : [owner.user, ...others];
    pages.show(
      ctx,
      'account/key-new',
      (words) =>
        buildNewKeyPage({
          words,
          now: clock.now(),
          nav: accountNav(visit, words.t),
          csrf: visit.csrf,
          formId: randomUUID(),
          name: draft.name,
          owner: owner.user,
          owners,
          ...((found.length > 20 || search !== undefined) && { ownerSearch: search ?? '' }),
          foreign: owner.user.id !== visit.person.user.id,
          offer: offerTo(delegator(visit.person, owner, world), world),
          keyRoles: offeredKeyRoles(owner.live, world),
          world,
          chosen: draft.slice,
          terms: policyOffer(policy, 'api_key', keyLifetimes),
          lifetimeSeconds: draft.lifetime,
          justification: draft.justification,
          projectSearch: draft.find,
          notices: notices(words),
          mayCreateRole: visit.person.live.organization.has('roles.create'),
        }),
      { status },
    );
  }

  async function submit(ctx: Koa.Context, visit: Visit, owner: LiveAccess, form: Form): Promise<void> {
    const choice = readChoice(form);
    if (!choice || choice.lifetime === 'keep') return pages.fail(ctx, 'bad_request', { status: 400 });
    const name = (form.get('name')?.[0] ?? '').trim().slice(0, longestName);
    const { lifetime, ...rest } = choice;
    const draft: Draft = { name, lifetime, ...rest };
    if (choice.find !== undefined) return show(ctx, visit, owner, { draft });
    const problem = (status: number, tone: PageNotice['tone'], text: (words: Words) => string) =>
      show(ctx, visit, owner, { draft, status, notices: (words) => [{ tone, text: text(words) }] });

    const decision = form.get('decision')?.[0];
    if (decision === 'create_role') return makeRole(ctx, visit, owner, form, draft);
    if (decision !== 'create' || form.get('shown_owner')?.[0] !== owner.user.id) {
      return problem(200, 'info', ({ t }) => t('account.key.owner_changed', { owner: owner.user.email }));
    }
    if (name === '') return problem(422, 'problem', ({ t }) => t('account.key.name_missing'));

    const judged = await keyDesk.judge(visit.person, owner.user.id, choice.slice);
    switch (judged.kind) {
      case 'forbidden':
        return refuse(ctx, visit, judged.missing);
      case 'no_owner':
        return pages.fail(ctx, 'not_found', { status: 404 });
      case 'not_granted': {
        const items = droppedNames(judged.dropped, judged.world);
        return problem(409, 'problem', ({ t, list }) =>
          t('account.key.not_granted', { items: list(items), owner: owner.user.email }),
        );
      }
      case 'nothing_chosen':
        return problem(422, 'problem', ({ t }) => t('account.key.nothing_chosen'));
      case 'allowed':
        return make(ctx, visit, form, judged, draft);
    }
  }

  async function make(ctx: Koa.Context, visit: Visit, form: Form, judged: AllowedKey, draft: Draft) {
    const { name, lifetime = null, justification = '' } = draft;
    const agreed = await keyDesk.agree(judged, { lifetime, justification });
    if (agreed.kind !== 'agreed') {
      const notices = (words: Words): PageNotice[] => [
        { tone: 'problem', text: termsProblem(agreed, words) },
      ];
      return show(ctx, visit, judged.owner, { draft, status: 422, notices });
    }
    // Waits as it is, and goes on here afterwards.
    if (judged.sensitive && !(await deps.stepUp.passes(ctx, visit, form))) return;
    if (!(await isFirst(form)))
      return pages.fail(ctx, 'changed_meanwhile', { status: 409, links: backToKeys });
    const { authorization, secret } = await keyDesk.create(actorOf(ctx, visit), agreed, name);
    await showSecret(ctx, visit, { id: authorization.id, name, secret });
  }

  async function makeRole(ctx: Koa.Context, visit: Visit, owner: LiveAccess, form: Form, draft: Draft) {
    if (!visit.person.live.organization.has('roles.create')) {
      return pages.fail(ctx, 'forbidden', { status: 403, detail: 'roles.create' });
    }
    const world = await deps.worldSource.whole();
    // Nobody puts into a role what they do not hold themselves.
    const { organization } = visit.person.live;
    const holdable = offerTo(owner, world).delegable.filter((name) => organization.has(name));
    const role = readNewRole(form, holdable);
    const problem = (text: (words: Words) => string) =>
      show(ctx, visit, owner, {
        draft,
        status: 422,
        notices: (words) => [{ tone: 'problem', text: text(words) }],
      });
    if (!role) return problem(({ t }) => t('account.key.role_incomplete'));
    const made = await deps.roles.create(actorOf(ctx, visit), role);
    if (made.outcome === 'slug_taken') return problem(({ t }) => t('account.key.role_taken'));
    return show(ctx, visit, owner, {
      draft: { ...draft, slice: { ...draft.slice, roles: [...draft.slice.roles, made.role.id] } },
      notices: ({ t }) => [{ tone: 'good', text: t('account.key.role_made', { role: role.name }) }],
    });
  }

  async function rotate(ctx: Koa.Context, visit: Visit, form: Form): Promise<void> {
    const { id } = (ctx as Koa.Context & { params: { id: string } }).params;
    const found = await deps.situations.find(visit.person, id);
    if (found?.authorization.kind !== 'api_key') return pages.fail(ctx, 'not_found', { status: 404 });
    const hours = Number(/^\d{1,3}$/.exec(form.get('overlap')?.[0] ?? '')?.[0] ?? Number.NaN);
    if (!(hours <= longestOverlapHours)) return pages.fail(ctx, 'bad_request', { status: 400 });
    // A new secret hands over all that the key says once more, for good or for a while.
    const held = withAdditions(found.authorization, found.authorization.additions, clock.now());
    const sensitive = addsSensitive(held, undefined, found.world);
    if (sensitive && !(await deps.stepUp.passes(ctx, visit, form))) return;
    if (!(await isFirst(form)))
      return pages.fail(ctx, 'changed_meanwhile', { status: 409, links: backToKeys });
    const outcome = await keyDesk.rotate(visit.person, actorOf(ctx, visit), found, hours * 3_600);
    switch (outcome.outcome) {
      case 'gone':
        return pages.fail(ctx, 'changed_meanwhile', { status: 409, links: backToKeys });
      case 'not_theirs':
        return pages.fail(ctx, 'forbidden', { status: 403, detail: administration });
      case 'done': {
        const { secret, oldEndsAt } = outcome;
        await showSecret(ctx, visit, { id, name: found.authorization.name ?? '', secret, oldEndsAt });
      }
    }
  }

  async function showSecret(
    ctx: Koa.Context,
    visit: Visit,
    made: { id: string; name: string; secret: string; oldEndsAt?: number },
  ): Promise<void> {
    const api = (await deps.resources.defaultApi())?.uri;
    pages.show(ctx, 'account/key-secret', ({ t }) =>
      buildKeySecretPage({ nav: accountNav(visit, t), api, now: clock.now(), ...made }),
    );
  }

  /** Tells whether a form that makes a secret is sent for the first time. */
  async function isFirst(form: Form): Promise<boolean> {
    const id = form.get('form_id')?.[0] ?? '';
    return id !== '' && (await deps.limits.take(once, id)).kind === 'allowed';
  }

  /** Lists whom somebody may make keys for, themselves first; nobody where there is no choice. */
  async function ownersFor(visit: Visit, search: string | undefined) {
    const kind = kindFor(visit);
    if (kind === undefined) return [];
    const found = await users.list({
      limit: ownersShown,
      ...(kind === 'service_account' && { kind }),
      ...(search !== undefined && search !== '' && { search }),
    });
    const active = found.filter(({ id, status }) => status === 'active' && id !== visit.person.user.id);
    return mayCreateFor(visit, visit.person) ? [visit.person.user, ...active] : active;
  }

  async function firstOwner(visit: Visit): Promise<string | undefined> {
    return (await ownersFor(visit, undefined))[0]?.id;
  }

  function actorOf(ctx: Koa.Context, visit: Visit): Actor {
    return { id: visit.person.user.id, origin: clientAddress(ctx.req, deps.trustedProxies) };
  }
}

const backToKeys = [{ href: keysHref, label: keysHref }];

const keeperOf = ({ person }: Visit) => ({ id: person.user.id, live: person.live });

function mayCreateFor(visit: Visit, owner: LiveAccess): boolean {
  return mayCreateKey(keeperOf(visit), owner.user).kind === 'allowed';
}

/** Which accounts somebody may make keys for beside their own; none without a permission. */
function kindFor(visit: Visit): 'any' | 'service_account' | undefined {
  const allowed = (kind: 'person' | 'service_account') =>
    mayCreateKey(keeperOf(visit), { id: 'somebody', kind }).kind === 'allowed';
  if (allowed('person')) return 'any';
  return allowed('service_account') ? 'service_account' : undefined;
}
