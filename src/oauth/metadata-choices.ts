/**
 * Settles what a client leaves to us: where it lists several values that it can do with, one that is done here. Registrations and
 * metadata documents are settled before they are cleaned, so that what is stored and hashed says one thing.
 * @see OpenID Connect Relying Party Metadata Choices 1.0
 */

type Metadata = Readonly<Record<string, unknown>>;

/** Member → the list that it is chosen from, and what is done here. */
export type Choices = Readonly<Record<string, { readonly from: string; readonly done: readonly string[] }>>;

/** How a client may sign, and what is signed for it. */
export const signingChoices: Choices = {
  id_token_signed_response_alg: {
    from: 'id_token_signing_alg_values_supported',
    done: ['ES256', 'RS256'],
  },
  token_endpoint_auth_signing_alg: {
    from: 'token_endpoint_auth_signing_alg_values_supported',
    done: ['ES256', 'RS256', 'PS256', 'EdDSA'],
  },
};

/** Says how a client may authenticate. Pure. @param methods what is done here; keys are needed for `private_key_jwt` */
export function authenticationChoice(methods: readonly string[], { jwks, jwks_uri }: Metadata): Choices {
  const hasKeys = Boolean(jwks ?? jwks_uri);
  return {
    token_endpoint_auth_method: {
      from: 'token_endpoint_auth_methods_supported',
      done: methods.filter((method) => hasKeys || method !== 'private_key_jwt'),
    },
  };
}

/**
 * Settles a client's lists. Pure. The value that it names itself stays where it is done here; else the first of its list that is.
 * A list without any is no list.
 */
export function settleChoices(metadata: Metadata, choices: Choices): Record<string, unknown> {
  const settled = { ...metadata };
  for (const [member, { from, done }] of Object.entries(choices)) {
    const listed = metadata[from];
    if (!Array.isArray(listed)) continue;
    const chosen = [metadata[member], ...listed].find(
      (value) => typeof value === 'string' && done.includes(value),
    );
    if (chosen !== undefined) settled[member] = chosen;
  }
  return settled;
}
