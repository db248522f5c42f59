/**
 * What the library leaves out of the device flow: `interval`, `slow_down` for a tool that polls faster, and the end of what was denied.
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
      if (ctx.oidc?.route === 'token' && body?.error === 'access_denied' && ctx.oidc.params?.device_code) {
        // Told once: with its code used up, whatever asks again gets invalid_grant. One that was approved is known to the context, and
        // stays for a poll after what stands in its way.
        if (!ctx.oidc.entities.DeviceCode) useUp(String(ctx.oidc.params.device_code));
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

  /** A refusal at /token consumes nothing; this one does. */
  function useUp(deviceCode: string): void {
    units.current().always(async (trx) => {
      await trx
        // Primary key.
        .updateTable('oidc_artifacts')
        .set({ consumed_at: clock.now() })
        .where('model', '=', 'DeviceCode')
        .where('key', 'in', secrets.keyedHashes('DeviceCode', deviceCode))
        .where('consumed_at', 'is', null)
        .execute();
    });
  }

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
