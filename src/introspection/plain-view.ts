/**
 * The answer by plain reading: everything is read when it is asked for and nothing is remembered. It is the reference that the live
 * view is compared with, and what the uncommon ways of asking go through.
 */
import type { ClientStore } from '../clients/client-store.ts';
import type {
  GuardedResources,
  ResourceServer,
  ResourceServerStore,
} from '../clients/resource-server-store.ts';
import type { AuthorizationRights } from '../oauth/authorization-rights.ts';
import type { Guarded } from '../policy/audience.ts';
import { answerFor, inactive, writeAnswer } from './answer.ts';
import type { Probing } from './probing.ts';
import { everyAudience, type TokenSource } from './token.ts';

export interface PlainView {
  /** Answers one caller about one string. @returns the body */
  answer(server: ResourceServer, token: string): Promise<string>;
}

export interface PlainViewDependencies {
  readonly issuer: string;
  readonly tokens: TokenSource;
  readonly rights: AuthorizationRights;
  readonly clients: ClientStore;
  readonly resourceServers: ResourceServerStore;
  /** Notices guesses. */
  readonly probing?: Probing;
}

export function createPlainView(deps: PlainViewDependencies): PlainView {
  return {
    async answer(server, value) {
      const token = await deps.tokens.find(value);
      if (!token) await deps.probing?.note(server);
      if (token?.audience === undefined) return inactive;
      const [guards, client, rights] = await Promise.all([
        deps.resourceServers.guardedBy(server.id),
        token.clientId === undefined ? keyHolder : deps.clients.find(token.clientId),
        deps.rights.of(token.authorizationId),
      ]);
      const guarded = guardedAt(guards, token.audience);
      if (!guarded || !client || client.disabled || !rights) return inactive;
      return writeAnswer(answerFor(deps.issuer, token, rights, guarded));
    },
  };
}

/** Stands where a token has its client: an API key's holder is nobody's to disable. */
const keyHolder = { disabled: false };

/** What a caller guards of one audience. Pure. @returns undefined when the audience is not the caller's */
export function guardedAt(guards: GuardedResources, audience: string): Guarded | undefined {
  if (audience === everyAudience) {
    const mcpServers = new Set(guards.mcpServers.map(({ id }) => id));
    return { api: guards.apiAudiences.length > 0, mcpServers };
  }
  if (!guards.audiences.includes(audience)) return undefined;
  return {
    api: guards.apiAudiences.includes(audience),
    mcpServers: new Set(
      guards.mcpServers.filter(({ resource }) => resource === audience).map(({ id }) => id),
    ),
  };
}
