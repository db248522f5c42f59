/**
 * `/account/authorizations/:id`: one authorization, and what its owner or keeper does with it. Every change is made against
 * the version that the page showed; what is not theirs is not there.
 */
import { randomUUID } from 'node:crypto';
import Router from '@koa/router';
import type Koa from 'koa';
import type { ApiKeyStore } from '../authorizations/api-key-store.ts';
import { type AssertedStore, issuerOf } from '../authorizations/asserted-store.ts';
import {
  type AuthorizationEditor,
  type ChangeOutcome,
  contentOf,
  type EditedContent,
} from '../authorizations/authorization-editor.ts';
import type { AuthorizationStore } from '../authorizations/authorization-store.ts';
import type { HandedOnStore } from '../authorizations/handed-on.ts';
import { standingOf } from '../authorizations/to-granted.ts';
import type { AuthorizationUses } from '../authorizations/uses.ts';
import type { ChangeHistory } from '../changes/change-history.ts';
import type { Actor } from '../changes/change-log.ts';
import type { Clock } from '../clock.ts';
import { clientAddress, type TrustedProxies } from '../http/client-address.ts';
import type { Words } from '../http/messages.ts';
import type { PageWriter } from '../http/page-writer.ts';
import type { Form } from '../http/read-form.ts';
import { offerTo } from '../interaction/consent-offer.ts';
import { displayText } from '../interaction/display-text.ts';
import type { AssertionIssuer } from '../oauth/assertion-issuer.ts';
import type { AuthorizationRights } from '../oauth/authorization-rights.ts';
import { mostAdditions, runningAdditions, unite } from '../policy/additions.ts';
import { isNothing, offeredKeyRoles } from '../policy/key-decision.ts';
import { narrowToUsed } from '../policy/narrow-to-used.ts';
import { withEnds } from './additions-page.ts';
import { addAsked, readAddition } from './asked-addition.ts';
import { returningIssuer } from './asserted-routes.ts';
import {
  type AuthorizationPageInput,
  buildAuthorizationPage,
  keysHref,
  type PageNotice,
} from './authorization-page.ts';
import { ownerRolesOn } from './authorizations-page.ts';
import { describeRecord } from './change-words.ts';
import { droppedNames } from './dropped-names.ts';
import { readHandedOn } from './handed-on-routes.ts';
import type { Heirs } from './heirs.ts';
import { delegator, type KeyDesk } from './key-desk.ts';
import { planEdit } from './plan-edit.ts';
import { readChoice } from './posted-choice.ts';
import { addsSensitive } from './reauthentication.ts';
import { savedNotices } from './saved-notices.ts';
import { type AccountSession, accountNav, type Visit } from './session.ts';
import type { Situation, Situations } from './situations.ts';
import type { StepUp } from './step-up.ts';
import { termsProblem } from './terms-words.ts';

const logLines = 20;
const longestName = 100;
/** "Lately", in seconds. */
const narrowSeconds = 30 * 86_400;

export interface AuthorizationDependencies {
  readonly session: AccountSession;
  readonly pages: PageWriter;
  readonly clock: Clock;
  readonly situations: Situations;
  readonly authorizations: AuthorizationStore;
  readonly asserted: Pick<AssertedStore, 'hasSuccessor'>;
  readonly handedOn: Pick<HandedOnStore, 'under'>;
  readonly rights: AuthorizationRights;
  readonly assertionIssuers?: readonly AssertionIssuer[] | undefined;
  readonly authorizationEditor: AuthorizationEditor;
  readonly apiKeys: ApiKeyStore;
  readonly authorizationUses: AuthorizationUses;
  readonly keyDesk: KeyDesk;
  readonly history: ChangeHistory;
  readonly stepUp: StepUp;
  readonly heirs: Heirs;
  readonly trustedProxies: TrustedProxies;
}

interface Again {
  readonly status: number;
  readonly notices: (words: Words) => PageNotice[];
  readonly again?: NonNullable<AuthorizationPageInput['again']>;
}

export function createAuthorizationRoutes(deps: AuthorizationDependencies): Router {
  const { session, pages, clock, situations, authorizationEditor, authorizations } = deps;
  const router = new Router({ prefix: '/account/authorizations' });

  router.get('/:id', (ctx) =>
    session.visit(ctx, (visit) =>
      withSituation(ctx, visit, (found) =>
        ctx.query.narrow === 'used' ? showNarrowed(ctx, visit, found) : showAsked(ctx, visit, found),
      ),
    ),
  );
  router.post('/:id', (ctx) =>
    session.post(ctx, (visit, form) => withSituation(ctx, visit, (found) => save(ctx, visit, found, form))),
  );
  router.post('/:id/suspend', (ctx) =>
    session.post(ctx, (visit) =>
      withSituation(ctx, visit, async ({ authorization: { id } }) => {
        const { outcome } = await authorizations.suspend(actorOf(ctx, visit), id);
        if (outcome === 'gone') return conflict(ctx, id);
        leave(ctx, `/account/authorizations/${id}`);
      }),
    ),
  );
  router.post('/:id/resume', (ctx) =>
    session.post(ctx, (visit, form) =>
      withSituation(ctx, visit, async ({ authorization: { id } }) => {
        answer(ctx, id, await authorizationEditor.resume(actorOf(ctx, visit), id, versionOf(form)));
      }),
    ),
  );
  router.post('/:id/move', (ctx) =>
    session.post(ctx, (visit, form) => withSituation(ctx, visit, (found) => move(ctx, visit, found, form))),
  );
  router.post('/:id/additions/:addition/end', (ctx) =>
    session.post(ctx, (visit) =>
      withSituation(ctx, visit, async ({ authorization: { id } }) => {
        const { addition = '' } = (ctx as Koa.Context & { params: { addition?: string } }).params;
        // What has ended by itself meanwhile is over as well.
        await deps.keyDesk.endAddition(actorOf(ctx, visit), id, addition);
        leave(ctx, `/account/authorizations/${id}`);
      }),
    ),
  );
  router.post('/:id/revoke', (ctx) =>
    session.post(ctx, (visit) =>
      withSituation(ctx, visit, async ({ authorization: { id, kind } }) => {
        await authorizations.revoke(actorOf(ctx, visit), id);
        const tab = kind === 'api_key' ? '?tab=api-keys&revoked' : '?revoked';
        leave(ctx, `/account/authorizations${tab}`);
      }),
    ),
  );
  return router;

  async function withSituation(
    ctx: Koa.Context,
    visit: Visit,
    step: (found: Situation) => Promise<void>,
  ): Promise<void> {
    const { id } = (ctx as Koa.Context & { params: { id: string } }).params;
    const found = await situations.find(visit.person, id);
    if (!found) return pages.fail(ctx, 'not_found', { status: 404 });
    await step(found);
  }

  async function show(ctx: Koa.Context, visit: Visit, found: Situation, again?: Again): Promise<void> {
    const { authorization, owner, world } = found;
    const recorded = await deps.history.of('authorization', authorization.id, logLines);
    const names = new Map<string, string>();
    const added = authorization.additions.map(({ by }) => by);
    for (const id of new Set([authorization.createdBy, ...added, ...recorded.map(({ actor }) => actor)])) {
      names.set(id, await situations.nameActor(id));
    }
    const secrets =
      authorization.kind === 'api_key' ? await deps.apiKeys.liveSecrets(authorization.id) : undefined;
    const heirs =
      authorization.kind === 'api_key' && !authorization.followsOwner
        ? await deps.heirs.of(visit.person, owner)
        : [];
    const uses = await deps.authorizationUses.of(authorization.id);
    const handedOn = await readHandedOn(deps, authorization.id);
    const setUpBy = issuerOf(authorization);
    const mayAllowAgain =
      returningIssuer(authorization, deps.assertionIssuers) !== undefined &&
      ['revoked', 'expired'].includes(standingOf(authorization, clock.now())) &&
      !(await deps.asserted.hasSuccessor(authorization));
    const saved = recorded.find(({ seq }) => String(seq) === ctx.query.saved);
    pages.show(
      ctx,
      'account/authorization',
      (words) =>
        buildAuthorizationPage({
          words,
          now: clock.now(),
          nav: accountNav(visit, words.t),
          csrf: visit.csrf,
          ...found,
          offer: offerTo(delegator(visit.person, owner, world, authorization), world),
          keyRoles: authorization.kind === 'api_key' ? offeredKeyRoles(owner.live, world) : [],
          ownerRoles: ownerRolesOn(world.projects.keys(), owner, world),
          owner: found.foreign ? owner.user.email : undefined,
          createdBy: names.get(authorization.createdBy) ?? authorization.createdBy,
          nameOf: (id) => names.get(id) ?? id,
          log: withEnds(
            recorded.map((change) =>
              describeRecord(change, names.get(change.actor) ?? change.actor, world, words),
            ),
            recorded,
            authorization,
            world,
            clock.now(),
            words,
          ),
          secrets: secrets?.map(({ lastFour, createdAt, expiresAt }) => ({
            ending: `mk_…${lastFour}`,
            createdAt,
            ...(expiresAt !== null && { endsAt: expiresAt }),
          })),
          uses,
          handedOn,
          rotationFormId: randomUUID(),
          setUpBy: setUpBy && (returningIssuer(authorization, deps.assertionIssuers)?.label ?? setUpBy),
          mayAllowAgain,
          heirs,
          notices: [
            ...(again?.notices(words) ?? []),
            ...(ctx.query.again === undefined
              ? []
              : [{ tone: 'good' as const, text: words.t('account.notice.allowed_again') }]),
            ...savedNotices(situations, found, saved, words),
          ],
          ...(again?.again && { again: again.again }),
        }),
      { status: again?.status ?? 200 },
    );
  }

  /** The form as it would be with only what was used lately; nothing changes before it is saved. */
  async function showNarrowed(ctx: Koa.Context, visit: Visit, found: Situation): Promise<void> {
    const { authorization, world } = found;
    const uses = await deps.authorizationUses.of(authorization.id);
    const slice = narrowToUsed(authorization, uses, clock.now() - narrowSeconds, world);
    return show(ctx, visit, found, {
      status: 200,
      again: { slice, lifetime: 'keep', name: authorization.name ?? '' },
      notices: ({ t }) => [
        {
          tone: 'info',
          text: t(slice.capabilities.length > 0 ? 'account.narrowed' : 'account.narrowed_to_nothing'),
        },
      ],
    });
  }

  /** The form with what a resource server said is missing, where the address names it; nothing changes before it is saved. */
  async function showAsked(ctx: Koa.Context, visit: Visit, found: Situation): Promise<void> {
    const { authorization, owner, world } = found;
    const asked = readAddition(ctx.query);
    if (!asked || authorization.followsOwner || authorization.status === 'revoked') {
      return show(ctx, visit, found);
    }
    const offer = offerTo(delegator(visit.person, owner, world, authorization), world);
    const { slice, beyond } = addAsked(authorization, asked, offer);
    // What holds for a while is part of it as long as it runs; what is chosen below is beyond what it has for good.
    const running = runningAdditions(authorization.additions, clock.now());
    const { added } = addAsked(unite(contentOf(authorization), running), asked, offer);
    if (added.length === 0 && !beyond) {
      return show(ctx, visit, found, {
        status: 200,
        notices: ({ t }) => [{ tone: 'info', text: t('account.asked_nothing') }],
      });
    }
    return show(ctx, visit, found, {
      status: 200,
      again: { slice, lifetime: 'keep', name: authorization.name ?? '', asked: added.length > 0 },
      notices: ({ t, list }) => [
        ...(added.length > 0
          ? [
              {
                tone: 'info' as const,
                text: t('account.asked_more', { items: list(added.map((name) => displayText(name))) }),
              },
            ]
          : []),
        ...(beyond ? [{ tone: 'warning' as const, text: t('account.asked_beyond') }] : []),
      ],
    });
  }

  async function save(ctx: Koa.Context, visit: Visit, found: Situation, form: Form): Promise<void> {
    const { authorization, world } = found;
    const choice = readChoice(form);
    const version = versionOf(form);
    if (!choice || authorization.followsOwner) return pages.fail(ctx, 'bad_request', { status: 400 });
    if (version !== authorization.version || authorization.status === 'revoked') {
      return conflict(ctx, authorization.id);
    }
    const isKey = authorization.kind === 'api_key';
    const name = isKey ? (form.get('name')?.[0] ?? '').trim().slice(0, longestName) : authorization.name;
    const slice = isKey ? choice.slice : { ...choice.slice, roles: [] };
    const { lifetime, justification, holdSeconds } = choice;
    const again = {
      slice,
      lifetime,
      name: name ?? '',
      justification,
      holdSeconds,
      projectSearch: choice.find,
    };
    if (choice.find !== undefined) return show(ctx, visit, found, { status: 200, again, notices: () => [] });
    const refuse = (status: number, text: (words: Words) => string) =>
      show(ctx, visit, found, {
        status,
        again,
        notices: (words) => [{ tone: 'problem', text: text(words) }],
      });

    if (isKey && name === '') return refuse(422, ({ t }) => t('account.key.name_missing'));
    const decision = deps.keyDesk.judgeEdit(visit.person, found, slice);
    if (decision.dropped.length > 0) {
      const items = droppedNames(decision.dropped, world);
      return refuse(409, ({ t, list }) => t('account.notice.not_granted', { items: list(items) }));
    }
    if (decision.kind === 'refused') return refuse(422, ({ t }) => t('account.notice.nothing_chosen'));
    const actor = actorOf(ctx, visit);
    const plan = planEdit(decision.granted, authorization, holdSeconds);
    if (isNothing(plan.granted)) return refuse(422, ({ t }) => t('account.notice.nothing_chosen'));
    const terms = { lifetime, justification };
    const agreed = await deps.keyDesk.agreeEdit(actor, found, plan.granted, terms, plan.forAWhile);
    if (agreed.kind !== 'agreed') return refuse(422, (words) => termsProblem(agreed, words));
    if (agreed.renewsSensitive || addsSensitive(decision.granted, authorization, world)) {
      // Waits as it is, and goes on here afterwards.
      if (!(await deps.stepUp.passes(ctx, visit, form))) return;
    }
    const content: EditedContent = { name, ...plan.granted, expiresAt: agreed.expiresAt };
    const { id } = authorization;
    const { inside, addition } = agreed;
    const outcome = await authorizationEditor.edit(actor, id, version, content, inside, addition);
    if (outcome.outcome !== 'too_many_additions') return answer(ctx, id, outcome);
    return refuse(409, ({ t }) => t('account.additions.too_many', { most: String(mostAdditions) }));
  }

  /** Hands a key over to a service account; what that one does not hold is not part of it any more. */
  async function move(ctx: Koa.Context, visit: Visit, found: Situation, form: Form): Promise<void> {
    const { authorization, owner } = found;
    const heir = await deps.heirs.find(visit.person, owner, form.get('owner')?.[0] ?? '');
    if (authorization.kind !== 'api_key' || !heir) return pages.fail(ctx, 'not_found', { status: 404 });
    const version = versionOf(form);
    if (version !== authorization.version) return conflict(ctx, authorization.id);
    if (!(await deps.stepUp.passes(ctx, visit, form))) return;
    const outcome = await deps.keyDesk.move(actorOf(ctx, visit), found, version, heir);
    if (outcome.outcome === 'nothing_left') {
      return show(ctx, visit, found, {
        status: 422,
        notices: ({ t }) => [
          { tone: 'problem', text: t('account.key.move_nothing', { owner: heir.user.email }) },
        ],
      });
    }
    if (outcome.outcome !== 'done') return conflict(ctx, authorization.id);
    // Whoever moves a key away may not be one who may see it there.
    const still = await situations.find(visit.person, authorization.id);
    leave(ctx, still ? `/account/authorizations/${authorization.id}` : keysHref);
  }

  function answer(ctx: Koa.Context, id: string, outcome: ChangeOutcome): void {
    if (outcome.outcome === 'done') {
      const saved = outcome.change === undefined ? '' : `?saved=${outcome.change}`;
      leave(ctx, `/account/authorizations/${id}${saved}`);
    } else {
      conflict(ctx, id);
    }
  }

  function conflict(ctx: Koa.Context, id: string): void {
    pages.fail(ctx, 'changed_meanwhile', {
      status: 409,
      links: [{ href: `/account/authorizations/${id}`, label: id }],
    });
  }

  function actorOf(ctx: Koa.Context, visit: Visit): Actor {
    return { id: visit.person.user.id, origin: clientAddress(ctx.req, deps.trustedProxies) };
  }
}

function versionOf(form: Form): number {
  const text = form.get('version')?.[0] ?? '';
  return /^\d{1,9}$/.test(text) ? Number(text) : -1;
}

function leave(ctx: Koa.Context, to: string): void {
  ctx.redirect(to);
  ctx.status = 303;
}
