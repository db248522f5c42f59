/** What an operator looks at first: how much is asked and answered, what is handed out, what waits and what ends soon. */
import { z } from 'zod';
import { ages, countAuthorizations, endingKeys } from '../../authorizations/census.ts';
import type { ManagementPermission } from '../../directory/management-permissions.ts';
import { topics } from '../../operations/tally.ts';
import { operation } from './operation.ts';
import { byResourceServer, firstBucket, seriesOf, sumOf } from './overview.ts';
import { instantSchema } from './schemas.ts';

/** Whoever holds one of these operates something of what is shown. */
export const overviewReaders: readonly ManagementPermission[] = [
  'audit.read',
  'users.manage',
  'clients.manage',
  'api-keys.manage',
];
/** Whose keys end is for those who see everybody's. */
const keyReaders: readonly ManagementPermission[] = ['api-keys.manage', 'users.manage'];

/** Keys that end within this are told of. */
export const endingWithinSeconds = 14 * 86_400;
const mostKeys = 50;

const figures = <Name extends string>(names: readonly Name[]) =>
  z.object(Object.fromEntries(names.map((name) => [name, z.int()])) as Record<Name, z.ZodInt>);
const introspections = figures(topics.introspection);
const signIns = figures(topics.sign_in);
const tokens = figures(topics.token);
const begun = { starts_at: instantSchema };

export const overviewSchema = z
  .object({
    at: instantSchema,
    introspections: z.object({
      hours: z.array(introspections.extend(begun)).describe('24 whole hours, the last one not over yet'),
      days: z.array(introspections.extend(begun)).describe('30 days of UTC, the last one not over yet'),
      by_resource_server: z.array(
        z.object({ name: z.string(), last_24_hours: introspections, last_30_days: introspections }),
      ),
    }),
    sign_ins: z.object({
      hours: z.array(signIns.extend(begun)),
      days: z.array(signIns.extend(begun)),
    }),
    tokens: z
      .object({ last_24_hours: tokens, last_30_days: tokens })
      .describe('Token answers by the grant that was used'),
    authorizations: z.array(
      z.object({
        kind: z.enum(['oauth2', 'api_key']),
        status: z.enum(['active', 'suspended', 'expired', 'revoked']),
        count: z.int(),
        last_used: figures(ages).describe('How long ago they were last used'),
      }),
    ),
    pending_approvals: z.int().describe('Requests that wait for a decision'),
    ending_keys: z
      .array(
        z.object({
          id: z.string(),
          name: z.string().nullable(),
          owner_id: z.string(),
          owner_email: z.string(),
          expires_at: instantSchema,
        }),
      )
      .nullable()
      .describe(
        'Keys that end within 14 days, at most 50; null for those who do not see other people’s keys',
      ),
  })
  .meta({ id: 'Overview' });

export type OverviewDocument = z.output<typeof overviewSchema>;

export const overviewOperation = operation({
  id: 'get_overview',
  tag: 'Overview',
  summary: 'What happened in the last 24 hours and 30 days, what is handed out, and what ends soon',
  method: 'get',
  path: '/overview',
  anyOf: overviewReaders,
  answer: overviewSchema,
  async handle({ store, clock, activity, approvals }, { caller }) {
    const now = clock.now();
    const hours = await activity.since('hour', firstBucket('hour', now));
    const days = await activity.since('day', firstBucket('day', now));
    const seesKeys = keyReaders.some((name) => caller.permissions.has(name));
    const keys = seesKeys
      ? await endingKeys(store.db, { now, before: now + endingWithinSeconds, limit: mostKeys })
      : null;
    return {
      at: now,
      introspections: {
        hours: seriesOf('introspection', 'hour', hours, now),
        days: seriesOf('introspection', 'day', days, now),
        by_resource_server: byResourceServer(hours, days),
      },
      sign_ins: {
        hours: seriesOf('sign_in', 'hour', hours, now),
        days: seriesOf('sign_in', 'day', days, now),
      },
      tokens: { last_24_hours: sumOf('token', hours), last_30_days: sumOf('token', days) },
      authorizations: (await countAuthorizations(store.db, now)).map(({ lastUsed, ...counted }) => ({
        ...counted,
        last_used: { ...lastUsed },
      })),
      pending_approvals: await approvals.countPending(),
      ending_keys:
        keys?.map(({ id, name, userId, email, expiresAt }) => ({
          id,
          name,
          owner_id: userId,
          owner_email: email,
          expires_at: expiresAt,
        })) ?? null,
    };
  },
});
