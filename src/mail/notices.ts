/**
 * Which changes their people are written to about: one table, read by the log of changes in the transaction of each change. Nobody
 * is told what they did themselves, but for how they sign in: whoever did it may have been somebody else (OWASP ASVS 5.0 section 6.3).
 */
import type { Transaction } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { issuerOf } from '../authorizations/asserted-store.ts';
import type { Actor, Change } from '../changes/change-log.ts';
import { differencesBetween } from '../clients/document-difference.ts';
import { emailKey } from '../directory/email-key.ts';
import type { Letter, SignInChange } from './letter.ts';
import type { Outbox } from './outbox.ts';

interface Account {
  readonly id: string;
  readonly email: string;
}

interface Told {
  readonly account: Account;
  readonly letter: Letter;
}

type Trx = Transaction<Database>;
type Notice = (trx: Trx, actor: Actor, change: Change) => Promise<readonly Told[]>;

/** `subject action` → who is told, and what. */
const notices: Readonly<Record<string, Notice>> = {
  'authorization created': async (trx, actor, { id, after }) => {
    const { kind } = after as { kind?: string };
    if (kind === 'api_key') return await toOwner(trx, actor, id, 'key_made');
    return actor.id.startsWith('issuer:') ? await toAbsentOwner(trx, id) : [];
  },
  'authorization leaked': (trx, actor, { id }) => toOwner(trx, actor, id, 'key_leaked'),
  'authorization moved': async (trx, actor, { id, before, after }) => {
    const key = await readAuthorization(trx, id);
    const by = await addressOf(trx, actor.id);
    const told = async (userId: string, kind: 'key_moved_away' | 'key_moved_here'): Promise<Told[]> => {
      const account = userId === actor.id ? undefined : await readPerson(trx, userId);
      if (!account) return [];
      const facts = { to: account.email, key: key?.name ?? id, by, authorizationId: id };
      return [{ account, letter: { kind, ...facts } }];
    };
    return [
      ...(await told((before as { user: string }).user, 'key_moved_away')),
      ...(await told((after as { user: string }).user, 'key_moved_here')),
    ];
  },
  'authorization approval_requested': async (trx, actor, { after }) => {
    const { capabilities, justification } = after as { capabilities: string[]; justification: string };
    const by = await addressOf(trx, actor.id);
    const accounts = (await holdersOf(trx, 'policies.manage')).filter(({ id }) => id !== actor.id);
    return accounts.map((account) => ({
      account,
      letter: { kind: 'approval_requested', to: account.email, capabilities, justification, by },
    }));
  },
  'authorization approval_given': (trx, _, change) => toOwnerOf(trx, change, 'approval_given'),
  'authorization approval_declined': (trx, _, change) => toOwnerOf(trx, change, 'approval_declined'),
  'authorization replayed': async (trx, _, { id }) => {
    const found = await readAuthorization(trx, id);
    const account = found && (await readPerson(trx, found.user_id));
    if (!account) return [];
    const tool = await verifiedName(trx, found.client_id);
    const letter = { kind: 'tokens_replayed', to: account.email, tool, authorizationId: id } as const;
    return [{ account, letter }];
  },
  'client document_changed': async (trx, _, { id, before, after }) => {
    const [old, now] = [before as RecordedClient, after as RecordedClient];
    const parts = differencesBetween(old.metadata, now.metadata).map(({ part }) => part);
    const lapsed = old.verified && !now.verified;
    if (parts.length === 0 || (!lapsed && !(await isNewsOfToday(trx, id)))) return [];
    return (await holdersOf(trx, 'clients.manage')).map((account) => ({
      account,
      letter: { kind: 'document_changed', to: account.email, clientId: id, parts, wasVerified: lapsed },
    }));
  },
  'user passkey_added': signInChanged('passkey_added'),
  'user passkey_removed': signInChanged('passkey_removed'),
  'user passkeys_removed': signInChanged('passkey_removed'),
  'user passkey_doubtful': signInChanged('passkey_doubtful'),
  'user second_factor_added': signInChanged('second_factor_added'),
  'user second_factor_removed': signInChanged('second_factor_removed'),
  'user upstream_linked': signInChanged('upstream_linked'),
  'user upstream_unlinked': signInChanged('upstream_unlinked'),
  'user recovery_code_used': signInChanged('recovery_code_used'),
  'user updated': (trx, _, change) => toFormerAddress(trx, change),
  'user password_changed': async (trx, _, change) => {
    const account = await readPerson(trx, change.id);
    if (!account) return [];
    // Somebody who has just been given a first password by invitation knows of it.
    const letter = { kind: 'password_changed', to: account.email } as const;
    return [{ account, letter }, ...(await toFormerAddress(trx, change))];
  },
};

/** Creates what the log of changes tells of each change that it records. */
export function createNotices({ outbox }: { outbox: Pick<Outbox, 'post'> }) {
  return async (trx: Trx, actor: Actor, changes: readonly Change[]): Promise<void> => {
    for (const change of changes) {
      const notice = notices[`${change.subject} ${change.action}`];
      if (!notice) continue;
      for (const { account, letter } of await notice(trx, actor, change)) {
        await outbox.post(trx, letter, { userId: account.id });
      }
    }
  };
}

/** Tells a person that something about how they sign in has changed, whoever changed it. */
function signInChanged(what: SignInChange): Notice {
  return async (trx, _, { id }) => {
    const account = await readPerson(trx, id);
    return account ? [{ account, letter: { kind: 'sign_in_changed', to: account.email, what } }] : [];
  };
}

/**
 * Tells the address that an account had that it has another one: whoever reads mail there could set a password until now, and whoever reads
 * it at the new one can from now on. An account that nobody has signed in to yet had no reader: its address was corrected.
 */
async function toFormerAddress(trx: Trx, { id, before, after }: Change): Promise<readonly Told[]> {
  const [former, present] = [before, after].map((facts) => (facts as Partial<Account> | undefined)?.email);
  if (former === undefined || present === undefined || emailKey(former) === emailKey(present)) return [];
  const account = await readPerson(trx, id);
  if (!account || !(await mayHaveSignedIn(trx, id))) return [];
  return [{ account, letter: { kind: 'sign_in_changed', to: former, what: 'address_changed' } }];
}

async function mayHaveSignedIn(trx: Trx, id: string): Promise<boolean> {
  // users by primary key
  const user = await trx.selectFrom('users').select('password_hash').where('id', '=', id).executeTakeFirst();
  if (user?.password_hash != null) return true;
  for (const table of ['passkeys', 'upstream_accounts'] as const) {
    // passkeys_by_user, upstream_accounts_by_user
    const row = await trx.selectFrom(table).select('id').where('user_id', '=', id).executeTakeFirst();
    if (row) return true;
  }
  return false;
}

/** Tells the owner of a key, or for a service account's key whoever made it. */
async function toOwner(
  trx: Trx,
  actor: Actor,
  id: string,
  kind: 'key_made' | 'key_leaked',
): Promise<readonly Told[]> {
  const key = await readAuthorization(trx, id);
  if (!key) return [];
  const account = (await readPerson(trx, key.user_id)) ?? (await readPerson(trx, key.created_by));
  if (!account || account.id === actor.id) return [];
  const by = await addressOf(trx, actor.id);
  const facts = { to: account.email, key: key.name ?? id, by, authorizationId: id };
  return [{ account, letter: { kind, ...facts } }];
}

/** Tells somebody what an identity provider handed over in their place. */
async function toAbsentOwner(trx: Trx, id: string): Promise<readonly Told[]> {
  const found = await readAuthorization(trx, id);
  const account = found && (await readPerson(trx, found.user_id));
  const issuer = found && issuerOf(found);
  if (!account || issuer === undefined) return [];
  const tool = await verifiedName(trx, found.client_id);
  return [{ account, letter: { kind: 'tool_set_up', to: account.email, tool, issuer, authorizationId: id } }];
}

/** Tells the owner how a request for approval was decided. */
async function toOwnerOf(
  trx: Trx,
  { id, after }: Change,
  kind: 'approval_given' | 'approval_declined',
): Promise<readonly Told[]> {
  const found = await readAuthorization(trx, id);
  const account =
    found && ((await readPerson(trx, found.user_id)) ?? (await readPerson(trx, found.created_by)));
  if (!account) return [];
  const { capability, note } = after as { capability: string; note: string | null };
  return [{ account, letter: { kind, to: account.email, capability, note, authorizationId: id } }];
}

const day = 86_400;

interface RecordedClient {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly verified: boolean;
}

/** Whether somebody relies on a client whose document did not change within the last day: its publisher decides how often it does. */
async function isNewsOfToday(trx: Trx, id: string): Promise<boolean> {
  // authorizations_of_client
  const relied = await trx
    .selectFrom('authorizations')
    .select('id')
    .where('client_id', '=', id)
    .where('status', '<>', 'revoked')
    .limit(1)
    .executeTakeFirst();
  if (!relied) return false;
  // changes_by_subject, backwards; the first is the one that is being told
  const [latest, earlier] = await trx
    .selectFrom('changes')
    .select('at')
    .where('subject', '=', 'client')
    .where('subject_id', '=', id)
    .where('action', '=', 'document_changed')
    .orderBy('seq', 'desc')
    .limit(2)
    .execute();
  return latest === undefined || earlier === undefined || latest.at - earlier.at >= day;
}

/** At most so many people are told of one request. */
const mostHolders = 20;

/** People who hold a management permission, which counts on the organization alone. */
async function holdersOf(trx: Trx, permission: string): Promise<readonly Account[]> {
  // roles, each row once; role_assignments_by_role, users by primary key
  return trx
    .selectFrom('users as u')
    .innerJoin('role_assignments as a', 'a.user_id', 'u.id')
    .innerJoin('roles as r', 'r.id', 'a.role_id')
    .select(['u.id', 'u.email'])
    .distinct()
    .where('a.project_id', 'is', null)
    .where('r.permissions', 'like', `%${JSON.stringify(permission)}%`)
    .where('u.kind', '=', 'person')
    .where('u.status', '=', 'active')
    .orderBy('u.id')
    .limit(mostHolders)
    .execute();
}

async function readAuthorization(trx: Trx, id: string) {
  // authorizations by primary key
  return trx
    .selectFrom('authorizations')
    .select(['user_id', 'client_id', 'name', 'created_by', 'install'])
    .where('id', '=', id)
    .executeTakeFirst();
}

/** An account that reads mail: a service account's address need not be one. */
async function readPerson(trx: Trx, id: string): Promise<Account | undefined> {
  // users by primary key
  return trx
    .selectFrom('users')
    .select(['id', 'email'])
    .where('id', '=', id)
    .where('kind', '=', 'person')
    .where('status', '=', 'active')
    .executeTakeFirst();
}

async function addressOf(trx: Trx, id: string): Promise<string | null> {
  // users by primary key
  const row = await trx.selectFrom('users').select('email').where('id', '=', id).executeTakeFirst();
  return row?.email ?? null;
}

/** A tool's name where an administrator vouches for it: what a tool calls itself is no news to trust. */
async function verifiedName(trx: Trx, id: string | null): Promise<string | null> {
  if (id === null) return null;
  // clients by primary key
  const row = await trx
    .selectFrom('clients')
    .select(['metadata', 'verified'])
    .where('id', '=', id)
    .executeTakeFirst();
  if (row?.verified !== 1) return null;
  const { client_name: name } = JSON.parse(row.metadata) as { client_name?: unknown };
  return typeof name === 'string' ? name : null;
}
