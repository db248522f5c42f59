/** Whom a key can be moved to: service accounts that whoever asks may make keys for. They keep integrations alive when people leave. */
import type { LiveAccess, LiveAccessSource } from '../directory/live-access.ts';
import type { UserStore } from '../directory/user-store.ts';
import { mayCreateKey } from '../policy/key-decision.ts';

const mostShown = 50;

export interface Heirs {
  /** Lists the service accounts that a key of this owner can be moved to. */
  of(person: LiveAccess, owner: LiveAccess): Promise<readonly { id: string; name: string; email: string }[]>;
  /** Finds one of them. @returns undefined when it is none */
  find(person: LiveAccess, owner: LiveAccess, id: string): Promise<LiveAccess | undefined>;
}

export function createHeirs({
  users,
  liveAccess,
}: {
  users: UserStore;
  liveAccess: LiveAccessSource;
}): Heirs {
  const may = (person: LiveAccess, id: string) =>
    mayCreateKey({ id: person.user.id, live: person.live }, { id, kind: 'service_account' }).kind ===
    'allowed';
  return {
    async of(person, owner) {
      if (owner.user.kind === 'service_account' || !may(person, 'somebody')) return [];
      const accounts = await users.list({ kind: 'service_account', limit: mostShown });
      return accounts.filter(({ status }) => status === 'active');
    },
    async find(person, owner, id) {
      if (owner.user.kind === 'service_account' || !may(person, id)) return undefined;
      const heir = await liveAccess.read(id);
      return heir?.user.kind === 'service_account' && heir.live.status === 'active' ? heir : undefined;
    },
  };
}
