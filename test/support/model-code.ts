/** A code without the pages that lead to it: the rows that a consent leaves behind, written by the adapter of the engine itself. */
import { randomBytes } from 'node:crypto';
import type { AdapterPayload } from 'oidc-provider';
import type { Store } from '../../db/open.ts';
import { systemClock } from '../../src/clock.ts';
import { createArtifactAdapter } from '../../src/oauth/artifact-adapter.ts';
import { authorizationReference } from '../../src/oauth/authorization-details.ts';
import { createUnitsOfWork } from '../../src/oauth/unit-of-work.ts';
import type { Secrets } from '../../src/secrets.ts';
import { demo } from './mandate.ts';
import { pkce } from './oauth.ts';

/** Longer than any test: what a model knows does not end by itself. */
const lifetimeSeconds = 86_400;

export interface Consented {
  readonly authorizationId: string;
  readonly userId: string;
  /** As it was asked for. */
  readonly resource: string;
}

/** @param everything all capabilities: what the engine's artifacts carry, as a ceiling */
export function createConsents(deps: { store: Store; secrets: Secrets; everything: string }) {
  const units = createUnitsOfWork(deps);
  const never = () => {
    throw new Error('nothing is used up here');
  };
  const save = (model: 'Grant' | 'AuthorizationCode', id: string, payload: AdapterPayload) => {
    const adapter = createArtifactAdapter(model, {
      ...deps,
      units,
      clock: systemClock,
      refreshGraceOf: never,
      onReplay: never,
      onTokenRevoked: never,
    });
    const iat = systemClock.now();
    const dated = { ...payload, kind: model, iat, exp: iat + lifetimeSeconds };
    return units.run(
      () => adapter.upsert(id, dated, lifetimeSeconds),
      () => 'success',
    );
  };
  const common = ({ authorizationId, userId }: Consented) => ({
    accountId: userId,
    clientId: demo.web.id,
    rar: [authorizationReference(authorizationId)] as never,
  });
  return {
    /** Keeps the engine's grant of an authorization. */
    grant: (consented: Consented) =>
      save('Grant', consented.authorizationId, {
        ...common(consented),
        resources: { [consented.resource]: deps.everything },
      }),

    /** Keeps a code for acme-web. @returns what the tool is called back with, and the verifier that it kept (RFC 7636) */
    async code(consented: Consented): Promise<{ value: string; verifier: string }> {
      const value = randomBytes(32).toString('base64url');
      const { verifier, challenge } = pkce();
      await save('AuthorizationCode', value, {
        ...common(consented),
        grantId: consented.authorizationId,
        authTime: systemClock.now(),
        codeChallenge: challenge,
        codeChallengeMethod: 'S256',
        redirectUri: demo.web.redirect,
        resource: consented.resource,
        scope: deps.everything,
      });
      return { value, verifier };
    },
  };
}
