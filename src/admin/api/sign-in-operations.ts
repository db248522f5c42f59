/** How a person signs in beside the password, and the end of it for somebody who lost their device. */
import { z } from 'zod';
import { providerLabel } from '../../account/security-page.ts';
import { guardAccount } from './guards.ts';
import { type AdminDeps, operation } from './operation.ts';
import { refusal } from './problem.ts';
import { instantSchema } from './schemas.ts';

const signInSchema = z
  .object({
    second_factor: z
      .boolean()
      .describe('Whether a code of an authenticator app is asked for after the password'),
    recovery_codes_left: z.int(),
    passkeys: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        created_at: instantSchema,
        last_used_at: instantSchema.nullable(),
      }),
    ),
    upstream_accounts: z
      .array(
        z.object({
          id: z.string(),
          provider: z
            .string()
            .describe('What sign-in pages call it; its host where it is not settled any more'),
          issuer: z.string(),
          subject: z.string(),
          label: z.string().nullable().describe('What the account was called there when it was linked'),
          linked_at: instantSchema,
          last_used_at: instantSchema.nullable(),
        }),
      )
      .describe('Accounts at other OpenID providers that sign this person in'),
  })
  .meta({ id: 'SignIn' });

const facts = { tag: 'Users', anyOf: ['users.manage'] } as const;

export const signInOperations = {
  get: operation({
    ...facts,
    id: 'get_user_sign_in',
    summary: 'Tell how a person signs in beside the password',
    method: 'get',
    path: '/users/{user_id}/sign-in',
    answer: signInSchema,
    handle: async (deps, { params }) => readSignIn(deps, await personOf(deps, params.user_id)),
  }),

  reset: operation({
    ...facts,
    id: 'reset_user_second_factor',
    summary: 'Switch off the authenticator app of somebody who lost it, with their recovery codes',
    method: 'post',
    path: '/users/{user_id}/second-factor/reset',
    body: z.strictObject({
      passkeys: z.boolean().default(false).describe('Remove their passkeys too'),
    }),
    answer: signInSchema,
    async handle(deps, { caller, params, body }) {
      const userId = await personOf(deps, params.user_id);
      await guardAccount(deps, caller, userId);
      await deps.secondFactors.remove(caller.actor, userId);
      if (body.passkeys) await deps.passkeyList.removeAll(caller.actor, userId);
      return readSignIn(deps, userId);
    },
  }),

  unlink: operation({
    ...facts,
    id: 'unlink_user_upstream_account',
    summary: 'Unlink an account at another provider, which signs the person in no more',
    method: 'delete',
    path: '/users/{user_id}/upstream-accounts/{account_id}',
    status: 204,
    async handle(deps, { caller, params }) {
      const userId = await personOf(deps, params.user_id);
      await guardAccount(deps, caller, userId);
      const id = params.account_id ?? '';
      const outcome = await deps.upstreamAccounts.unlink(caller.actor, userId, id, { evenLast: true });
      if (outcome === 'not_found') throw refusal('not_found');
    },
  }),
};

async function readSignIn(deps: AdminDeps, userId: string): Promise<z.output<typeof signInSchema>> {
  const [factor, passkeys, upstream] = await Promise.all([
    deps.secondFactors.of(userId),
    deps.passkeyList.list(userId),
    deps.upstreamAccounts.list(userId),
  ]);
  return {
    second_factor: factor.enabled,
    recovery_codes_left: factor.recoveryCodesLeft,
    passkeys: passkeys.map(({ id, name, createdAt, lastUsedAt }) => ({
      id,
      name,
      created_at: createdAt,
      last_used_at: lastUsedAt,
    })),
    upstream_accounts: upstream.map(({ id, issuer, subject, label, linkedAt, lastUsedAt }) => ({
      id,
      provider: providerLabel(issuer, deps.upstreamProviders ?? []),
      issuer,
      subject,
      label: label ?? null,
      linked_at: linkedAt,
      last_used_at: lastUsedAt,
    })),
  };
}

async function personOf({ users }: AdminDeps, id = ''): Promise<string> {
  if ((await users.findById(id))?.kind !== 'person') throw refusal('not_found');
  return id;
}
