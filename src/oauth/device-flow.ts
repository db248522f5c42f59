/**
 * What the library leaves out of the device flow: `interval`, and `slow_down` for a tool that polls faster.
 * The stamp of the last poll is in the database, so that it holds on every node and through a restart.
 * @see RFC 8628 sections 3.2 and 3.5
 */
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Store } from '../../db/open.ts';
import type { Clock } from '../clock.ts';
import type { Secrets } from '../secrets.ts';
import type { UnitsOfWork } from './unit-of-work.ts';

/** The least time between two polls, in seconds; each poll that comes too early adds as much again. */
const pollIntervalSeconds = 5;

export function createDevicePolling(deps: {
  store: Store;
  clock: Clock;
  secrets: Secrets;
  units: UnitsOfWork;
}) {
  const { store, clock, secrets, units } = deps;
  return {
    /** Completes the answers of /device/auth and of polls at /token; runs after the library. */
    async complete(ctx: KoaContextWithOIDC): Promise<void> {
      const body = ctx.body as Record<string, unknown> | undefined;
      if (ctx.oidc?.route === 'device_authorization' && body?.device_code) {
        body.interval = pollIntervalSeconds;
      }
      if (ctx.oidc?.route === 'token' && body?.error === 'authorization_pending') {
        const code = String(ctx.oidc.params?.device_code);
        if (await isTooEarly(code)) {
          ctx.body = {
            error: 'slow_down',
            error_description: `polls must be at least ${pollIntervalSeconds} seconds apart, and 5 more after each slow_down`,
          };
        }
      }
    },
  };

  /** The counter's end is when the next poll is welcome, its points are the interval in force, in seconds. */
  async function isTooEarly(deviceCode: string): Promise<boolean> {
    const key = `poll:${secrets.keyedHash('poll', deviceCode)}`;
    const now = clock.now();
    const stamp = await store.db
      // Primary key.
      .selectFrom('counters')
      .select(['points', 'expires_at'])
      .where('key', '=', key)
      .executeTakeFirst();
    const tooEarly = stamp !== undefined && now < stamp.expires_at;
    const next = tooEarly
      ? { points: stamp.points + pollIntervalSeconds, expires_at: stamp.expires_at + pollIntervalSeconds }
      : {
          points: stamp?.points ?? pollIntervalSeconds,
          expires_at: now + (stamp?.points ?? pollIntervalSeconds),
        };
    units.current().always(async (trx) => {
      await trx
        .insertInto('counters')
        .values({ key, ...next })
        .onConflict((conflict) => conflict.column('key').doUpdateSet(next))
        .execute();
    });
    return tooEarly;
  }
}
