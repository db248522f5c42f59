/**
 * Shows Mandate who asks: a resource server, by its secret or by a signature of its own. Owns both ways of RFC 7662 section 2.1 that the
 * kit has; does not own what is asked.
 */

import { toBase64url } from './base64url.ts';
import { basicCredentials } from './basic-credentials.ts';
import { canonical } from './endpoint.ts';
import { epochSeconds } from './monotonic.ts';
import { parametersOf, type SigningAlgorithm, signingAlgorithms } from './signing-algorithms.ts';

/** The resource server's own name, with its secret or with its private key. */
export type ClientCredentials =
  | { readonly clientId: string; readonly clientSecret: string }
  | {
      readonly clientId: string;
      /** Its public half is what the administration knows of this resource server. Nothing secret is sent then. */
      readonly privateKey: PrivateKey;
    };

/** A private key as a JSON Web Key (with `alg`), or as the runtime keeps it. */
export type PrivateKey = (JsonWebKey & { readonly kid?: string }) | RuntimeKey;

interface RuntimeKey {
  readonly key: CryptoKey;
  readonly alg: SigningAlgorithm;
  readonly kid?: string;
}

/** What goes with one request: a header, or fields of its form. */
export interface ClientProof {
  readonly headers: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, string>>;
}

/** Makes what shows who asks; once for each request. */
export interface ClientAuthentication {
  /** Whether it is in the form, so that a request must have one. */
  readonly needsForm: boolean;
  prove(): ClientProof | Promise<ClientProof>;
}

/** What Mandate takes; it knows the curve by its older name. */
const assertionAlgorithms = signingAlgorithms.filter((name) => name !== 'Ed25519');
/** Mandate takes an assertion once, and for no longer than five minutes. */
const assertionSeconds = 60;

/**
 * Chooses the way by what there is.
 *
 * @param issuer - the one audience of an assertion; Mandate takes no other
 * @throws TypeError when there is no id, neither secret nor key, or a private key says no algorithm that the kit has
 * @see https://www.rfc-editor.org/rfc/rfc7523#section-3
 */
export function createClientAuthentication(
  credentials: ClientCredentials,
  issuer: string | undefined,
): ClientAuthentication {
  const { clientId } = credentials;
  const clientSecret = 'clientSecret' in credentials ? credentials.clientSecret : undefined;
  const privateKey = 'privateKey' in credentials ? credentials.privateKey : undefined;
  if (!clientId) throw new TypeError('clientId is missing');
  if (clientSecret) {
    const proof: ClientProof = {
      headers: { authorization: basicCredentials(clientId, clientSecret) },
      fields: {},
    };
    return { needsForm: false, prove: () => proof };
  }
  if (!privateKey) throw new TypeError('clientSecret, or a privateKey instead, is missing');
  if (issuer === undefined)
    throw new TypeError('a private key needs the issuer: it is whom the assertion is for');
  const algorithm = assertionAlgorithms.find((name) => name === privateKey.alg);
  if (algorithm === undefined)
    throw new TypeError(`a private key needs alg, one of ${assertionAlgorithms.join(', ')}`);
  const header = encode({
    alg: algorithm,
    typ: 'JWT',
    ...(privateKey.kid !== undefined && { kid: privateKey.kid }),
  });
  let imported: Promise<CryptoKey> | undefined;

  return {
    needsForm: true,
    async prove() {
      imported ??= importPrivateKey(privateKey, algorithm);
      const now = epochSeconds();
      const claims = {
        iss: clientId,
        sub: clientId,
        aud: canonical(issuer),
        jti: crypto.randomUUID(),
        iat: now,
      };
      const signed = `${header}.${encode({ ...claims, exp: now + assertionSeconds })}`;
      const signature = await crypto.subtle.sign(
        parametersOf(algorithm).signature,
        await imported,
        new TextEncoder().encode(signed),
      );
      return {
        headers: {},
        fields: {
          client_id: clientId,
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: `${signed}.${toBase64url(new Uint8Array(signature))}`,
        },
      };
    },
  };
}

function importPrivateKey(key: PrivateKey, algorithm: SigningAlgorithm): Promise<CryptoKey> {
  if (isCryptoKey(key)) return Promise.resolve(key.key);
  // Without what limits its use: some tools write `key_ops` and `use` that Web Crypto and they understand differently.
  const { alg: _alg, use: _use, key_ops: _operations, ...members } = key;
  return crypto.subtle.importKey('jwk', members, parametersOf(algorithm).key, false, ['sign']);
}

function isCryptoKey(key: PrivateKey): key is RuntimeKey {
  return 'key' in key;
}

function encode(value: unknown): string {
  return toBase64url(new TextEncoder().encode(JSON.stringify(value)));
}
