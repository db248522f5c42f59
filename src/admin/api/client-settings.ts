/** What an administrator sets for one client. */
import { z } from 'zod';
import { mostRefreshGraceSeconds, refreshGraceSeconds } from '../../oauth/lifetimes.ts';
import { clientSchema, readClient } from './client-operations.ts';
import { claimVersion } from './expected-version.ts';
import { operation } from './operation.ts';
import { guardCarrier } from './over-token.ts';

export const clientSettingsOperation = operation({
  id: 'update_client',
  tag: 'Clients',
  summary: 'Set how a client is treated',
  method: 'patch',
  path: '/clients/{client_id}',
  anyOf: ['clients.manage'],
  versioned: true,
  body: z.strictObject({
    refresh_grace_seconds: z
      .int()
      .min(refreshGraceSeconds)
      .max(mostRefreshGraceSeconds)
      .nullable()
      .optional()
      .describe('For how long a rotated refresh token may come back; null is the usual minute'),
  }),
  answer: clientSchema,
  async handle(deps, { caller, params, body, version }) {
    const id = params.client_id ?? '';
    guardCarrier(caller, id);
    await deps.store.transact(async (trx) => {
      await claimVersion(trx, 'clients', id, version);
      const { refresh_grace_seconds: refreshGrace } = body;
      await deps.clients.within(trx).configure(caller.actor, id, {
        ...(refreshGrace === undefined ? {} : { refreshGraceSeconds: refreshGrace }),
      });
    });
    return readClient(deps, id);
  },
});
