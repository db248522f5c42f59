import type { ClientStore } from '../clients/client-store.ts';
import type { ResourceServerStore } from '../clients/resource-server-store.ts';
import type { Passwords } from '../directory/passwords.ts';
import type { UserStore } from '../directory/user-store.ts';
import type { OrganizationFile } from './organization-file.ts';

/**
 * Finds what the public knows: every password and secret of the demo organization that works in a database. A production
 * start refuses to go on while there is one.
 * @param stores.demo the demo organization as its file has it
 * @returns one phrase each, e.g. `the password of owner@acme.test`; never the secret
 */
export async function findDemoSecrets(stores: {
  readonly demo: OrganizationFile;
  readonly users: Pick<UserStore, 'findByEmail'>;
  readonly clients: Pick<ClientStore, 'list' | 'matchesSecret'>;
  readonly resourceServers: Pick<ResourceServerStore, 'list' | 'matchesSecret'>;
  readonly passwords: Passwords;
}): Promise<string[]> {
  const { demo, users, clients, resourceServers, passwords } = stores;
  const found: string[] = [];
  for (const { email, password } of demo.users) {
    if (password === undefined) continue;
    // Verifying takes tens of milliseconds: only where this password was ever handed out.
    const hash = (await users.findByEmail(email))?.passwordHash;
    if (hash != null && (await passwords.verify(hash, password))) found.push(`the password of ${email}`);
  }
  const secrets = [...demo.clients, ...demo.resource_servers].flatMap(({ secret }) => secret ?? []);
  for (const server of await resourceServers.list()) {
    if (secrets.some((secret) => resourceServers.matchesSecret(server, secret))) {
      found.push(`the secret of the resource server ${server.name}`);
    }
  }
  // Secrets of clients that registered themselves were made here, at random.
  const page = { kind: 'registered', limit: 200 } as const;
  for (let batch = await clients.list(page); batch.length > 0; ) {
    for (const client of batch) {
      if (secrets.some((secret) => clients.matchesSecret(client, secret))) {
        found.push(`the secret of the client ${client.id}`);
      }
    }
    batch = await clients.list({ ...page, after: batch.at(-1)?.id ?? '' });
  }
  return found;
}
