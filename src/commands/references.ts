/** Finds the ids behind the names that people type: addresses, slugs, names. An id is taken as it is. */
import { z } from 'zod';
import { type AdministrationApi, ApiRefusal } from './administration-api.ts';
import { isReference, NotUnderstood, type Reference, type ReferenceKind } from './administration-options.ts';

const listSchema = z.object({ items: z.array(z.record(z.string(), z.unknown())) });

/** Where things of a kind are listed, and which members name them. */
const places: Partial<Record<ReferenceKind, { path: string; searched: boolean; names: readonly string[] }>> =
  {
    role: { path: '/roles', searched: false, names: ['slug', 'name'] },
    project: { path: '/projects', searched: true, names: ['slug'] },
    'mcp-server': { path: '/mcp-servers', searched: true, names: ['name', 'resource'] },
    'resource-server': { path: '/resource-servers', searched: false, names: ['name'] },
    'service-account': { path: '/service-accounts', searched: true, names: ['email'] },
    user: { path: '/users', searched: true, names: ['email'] },
    key: { path: '/api-keys', searched: true, names: ['name'] },
  };

const idForm = /^[a-z]{2,6}_[0-9a-z]{20,}$/;
const mostListed = 200;

export interface References {
  /** @throws NotUnderstood when the name is nobody's, or several things' */
  idOf(reference: Reference): Promise<string>;
  /** Puts ids in the place of every reference in a value. */
  resolve(value: unknown): Promise<unknown>;
}

export function createReferences(api: AdministrationApi): References {
  const known = new Map<string, Promise<string>>();

  async function find({ kind, name }: Reference): Promise<string> {
    if (idForm.test(name)) return name;
    if (kind === 'actor') return name.includes('@') ? find({ kind: 'user', name }) : name;
    // Anybody with an address may be meant: people, machines, or oneself, which needs no right to look.
    if (kind === 'user')
      return (await ownId(name)) ?? (await listed('user', name, ['user', 'service-account']));
    return places[kind] ? listed(kind, name, [kind]) : name;
  }

  async function listed(kind: ReferenceKind, name: string, where: readonly ReferenceKind[]): Promise<string> {
    let refused = false;
    for (const one of where) {
      const place = places[one];
      if (!place) continue;
      const { path, searched, names } = place;
      const query = searched ? { search: name, limit: mostListed } : {};
      try {
        const { items } = listSchema.parse((await api.call('get', path, { query })).document);
        const same = (value: unknown) =>
          typeof value === 'string' && value.toLowerCase() === name.toLowerCase();
        const found = items.filter((item) => names.some((member) => same(item[member])));
        if (found.length > 1) {
          throw new NotUnderstood(
            `${name} names several; give an id: ${found.map(({ id }) => String(id)).join(', ')}`,
          );
        }
        if (found[0]) return String(found[0].id);
      } catch (error) {
        if (!(error instanceof ApiRefusal && error.code === 'permission_missing')) throw error;
        refused = true;
      }
    }
    // Who may not look it up is told by the operation itself what that one takes.
    if (refused) return name;
    throw new NotUnderstood(`there is no ${kind.replace('-', ' ')} ${name}`);
  }

  async function ownId(email: string): Promise<string | undefined> {
    const { user } = z
      .object({ user: z.object({ id: z.string(), email: z.string() }) })
      .parse((await api.call('get', '/session')).document);
    return user.email.toLowerCase() === email.toLowerCase() ? user.id : undefined;
  }

  function idOf(reference: Reference): Promise<string> {
    const key = `${reference.kind} ${reference.name}`;
    const found = known.get(key) ?? find(reference);
    known.set(key, found);
    return found;
  }

  async function resolve(value: unknown): Promise<unknown> {
    if (isReference(value)) return idOf(value);
    if (Array.isArray(value)) return Promise.all(value.map(resolve));
    if (typeof value !== 'object' || value === null) return value;
    const entries = await Promise.all(
      Object.entries(value).map(async ([name, member]) => [name, await resolve(member)] as const),
    );
    return Object.fromEntries(entries);
  }

  return { idOf, resolve };
}
