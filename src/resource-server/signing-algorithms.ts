/** The signatures that the kit makes and checks, as Web Crypto has them. None of them has a key that both sides know. */
export type SigningAlgorithm = 'ES256' | 'EdDSA' | 'Ed25519' | 'RS256' | 'PS256';

/** What Web Crypto wants to be told about one of them (RFC 7518 section 3.1, RFC 9864). */
interface Parameters {
  readonly kty: 'EC' | 'OKP' | 'RSA';
  readonly crv?: string;
  readonly key: EcKeyImportParams | RsaHashedImportParams | { readonly name: string };
  readonly signature: EcdsaParams | RsaPssParams | { readonly name: string };
}

const ed25519: Parameters = {
  kty: 'OKP',
  crv: 'Ed25519',
  key: { name: 'Ed25519' },
  signature: { name: 'Ed25519' },
};

const parameters: Readonly<Record<SigningAlgorithm, Parameters>> = {
  ES256: {
    kty: 'EC',
    crv: 'P-256',
    key: { name: 'ECDSA', namedCurve: 'P-256' },
    signature: { name: 'ECDSA', hash: 'SHA-256' },
  },
  EdDSA: ed25519,
  Ed25519: ed25519,
  RS256: {
    kty: 'RSA',
    key: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
    signature: { name: 'RSASSA-PKCS1-v1_5' },
  },
  PS256: {
    kty: 'RSA',
    key: { name: 'RSA-PSS', hash: 'SHA-256' },
    signature: { name: 'RSA-PSS', saltLength: 32 },
  },
};

/** All of them; what Mandate itself takes at its endpoints, and one more name for the same curve. */
export const signingAlgorithms = Object.keys(parameters) as readonly SigningAlgorithm[];

/** Tells Web Crypto's parameters. Pure. */
export function parametersOf(algorithm: SigningAlgorithm): Parameters {
  return parameters[algorithm];
}
