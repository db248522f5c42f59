/** Clients of service accounts in an organization's file: what was taken from one stays taken, however often it is written and read. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { exportOrganization } from '../../src/organization/organization-export.ts';
import {
  emptyOrganization,
  parseOrganization,
  readOrganizationFile,
} from '../../src/organization/organization-file.ts';
import { shippedFiles } from '../../src/shipped-files.ts';
import { engines } from '../support/databases.ts';
import { actor, openStores, type Stores } from './open-stores.ts';

const demo = readOrganizationFile(shippedFiles().demo);

describe.each(engines)('clients in the file of an organization, on %s', (engine) => {
  let stores: Stores;
  beforeEach(async () => {
    stores = await openStores(engine);
  });
  afterEach(() => stores.close());

  /** Imports what a file says. @returns what was changed */
  async function load(yaml: string | typeof demo, into = stores): Promise<string[]> {
    const planned = await into.imports.plan(typeof yaml === 'string' ? parseOrganization(yaml) : yaml);
    if (planned.outcome !== 'planned') throw new Error(planned.problem);
    const applied = await into.imports.apply(actor, planned.plan);
    if (applied.outcome !== 'applied') throw new Error(applied.outcome);
    return applied.entries
      .filter(({ action }) => action !== 'unchanged')
      .map(({ subject, name, action, details }) => [action, subject, name, ...details].join(' · '));
  }

  test('neither an export nor an import gives back what was taken from a client', async () => {
    await load(demo);
    const client = (id: string, rest: string) =>
      `{ id: ${id}, ${rest}, metadata: { grant_types: [client_credentials], response_types: [], redirect_uris: [], token_endpoint_auth_method: client_secret_basic } }`;
    const slice = 'service_account: ci@acme.test, authorization: { capabilities: [api] }';
    const ids = ['ended', 'paused', 'timed', 'kept'];
    await load(`clients: [${ids.map((id) => client(id, slice)).join(', ')}]`);
    const own = async (id: string) => {
      const found = await stores.authorizations.findByClient(id);
      if (!found) throw new Error(`no authorization of ${id}`);
      return found;
    };
    await stores.authorizations.revoke(actor, (await own('ended')).id);
    await stores.authorizations.suspend(actor, (await own('paused')).id);
    const timed = await own('timed');
    await stores.store.transact((trx) =>
      stores.authorizations.replaceChoice(trx, actor, timed.id, { ...timed, expiresAt: 2_000_000_000 }),
    );
    await stores.clients.disable(actor, 'mandate-cli');

    const { file, leftOut } = await exportOrganization(stores);
    expect(leftOut).toEqual(['clients: ended', 'clients: paused', 'clients: timed']);
    expect(file.clients.find(({ id }) => id === 'kept')).toMatchObject({ authorization: {} });
    const text = stringify(file);
    expect(await load(text)).toEqual([]);
    const other = await openStores(engine);
    await load(text, other);
    const there = await other.clients.list({ limit: 100 });
    expect(there.filter(({ disabled }) => disabled).map(({ id }) => id)).toEqual(['mandate-cli']);
    for (const id of ['ended', 'paused', 'timed'])
      expect(await other.authorizations.findByClient(id)).toBeUndefined();
    await other.close();
  });

  test('a client that acts as no service account any more holds nothing of it', async () => {
    await load(demo);
    const before = await stores.authorizations.findByClient('acme-ci');
    const without = {
      ...emptyOrganization,
      clients: demo.clients
        .filter(({ id }) => id === 'acme-ci')
        .map(({ id, metadata }) => ({ id, metadata })),
    };
    expect(await load(without)).toEqual([
      'update · client · acme-ci · service account',
      'update · authorization · acme-ci · revoke',
    ]);
    expect(await stores.authorizations.find(before?.id ?? '')).toMatchObject({ status: 'revoked' });
    expect(await load(without)).toEqual([]);
  });
});
