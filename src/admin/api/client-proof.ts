/** How a service account's client shows who it is: by a secret, or by what it signs with a key of its own (RFC 7523 section 2.2). */
import type { JWK } from 'jose';
import { z } from 'zod';
import { makeKeyPair, readPublicKeys } from '../../clients/client-keys.ts';
import { newSecret } from './new-secret.ts';
import { refusal } from './problem.ts';

/** Members of a body; at most one of them is given. */
export const proofMembers = {
  jwks: z
    .looseObject({ keys: z.array(z.looseObject({})) })
    .optional()
    .describe('Its public keys (RFC 7517); instead of a secret'),
  jwks_uri: z
    .url({ protocol: /^https$/, error: 'must be an https URL' })
    .max(2_000)
    .optional()
    .describe('Where it publishes them; asked at most once a minute'),
  generate_key: z.boolean().optional().describe('Makes a key pair; the private key is shown this once'),
};

export const privateKeySchema = z
  .record(z.string(), z.unknown())
  .nullable()
  .describe('A JSON Web Key, shown this once; null unless it was made here');

export interface Proof {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly secret: string | null;
  readonly privateKey: JWK | null;
}

type Members = z.output<z.ZodObject<typeof proofMembers>>;

/** Makes what was asked for; a secret when nothing was. @throws Refusal `invalid_keys` */
export async function makeProof({ jwks, jwks_uri: uri, generate_key: generate }: Members): Promise<Proof> {
  const given = [jwks !== undefined, uri !== undefined, generate === true].filter(Boolean).length;
  if (given > 1) throw refusal('invalid_keys', { reason: 'only one of jwks, jwks_uri and generate_key' });
  if (generate) {
    const pair = await makeKeyPair();
    return { metadata: signing({ jwks: pair.jwks }), secret: null, privateKey: pair.privateKey };
  }
  if (uri !== undefined) return { metadata: signing({ jwks_uri: uri }), secret: null, privateKey: null };
  if (jwks !== undefined) {
    const read = await readPublicKeys(jwks);
    if (read.kind === 'refused') throw refusal('invalid_keys', { reason: read.reason });
    return { metadata: signing({ jwks: read.jwks }), secret: null, privateKey: null };
  }
  return {
    metadata: { token_endpoint_auth_method: 'client_secret_basic' },
    secret: newSecret(),
    privateKey: null,
  };
}

function signing(keys: Record<string, unknown>): Record<string, unknown> {
  return { token_endpoint_auth_method: 'private_key_jwt', ...keys };
}
