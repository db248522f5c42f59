/** API keys as JSON, and whose keys a caller looks after. */
import { z } from 'zod';
import type { KeyOwners } from '../../authorizations/authorization-list.ts';
import { authorizationSchema, readAuthorization, summarySchema } from './authorization-document.ts';
import type { Caller } from './caller.ts';
import type { AdminDeps } from './operation.ts';
import { instantSchema } from './schemas.ts';

export const listedKeySchema = summarySchema
  .extend({ secret_ending: z.string().nullable().describe('How the newest secret ends') })
  .meta({ id: 'ApiKeySummary' });

export const keySchema = authorizationSchema
  .extend({
    secrets: z
      .array(
        z.object({
          id: z.string(),
          last_four: z.string(),
          created_at: instantSchema,
          expires_at: instantSchema.nullable().describe('While it is being rotated out'),
        }),
      )
      .describe('The live ones, newest first: one, or two during a rotation'),
  })
  .meta({ id: 'ApiKey' });

export const keyWithSecretSchema = keySchema
  .extend({ secret: z.string().describe('Shown this once') })
  .meta({ id: 'ApiKeyWithSecret' });

/** Reads a key with its live secrets; whether it may be seen has been asked. @throws Refusal `not_found` */
export async function readKey(deps: AdminDeps, id: string): Promise<z.output<typeof keySchema>> {
  const secrets = await deps.apiKeys.liveSecrets(id);
  return {
    ...(await readAuthorization(deps, id)),
    secrets: secrets.map((secret) => ({
      id: secret.id,
      last_four: secret.lastFour,
      created_at: secret.createdAt,
      expires_at: secret.expiresAt,
    })),
  };
}

/** The caller's own keys. Pure. */
export const ownKeys = ({ id }: Caller): KeyOwners => ({ kind: 'own', userId: id });

/** Every key that a caller may see. Pure. */
export function widestOwners(caller: Caller): KeyOwners {
  if (caller.permissions.has('api-keys.manage')) return { kind: 'everyone' };
  if (caller.permissions.has('service-accounts.update'))
    return { kind: 'own_and_service_accounts', userId: caller.id };
  return ownKeys(caller);
}
