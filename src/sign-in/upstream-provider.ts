/** An OpenID provider that people may sign in through, as the operator settled it; plain data. */
export interface UpstreamProvider {
  /** Part of addresses: lower case letters, digits and dashes. */
  readonly name: string;
  /** What the button calls it. */
  readonly label: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scopes: readonly string[];
  /** Domains whose verified addresses get an account at their first sign-in. */
  readonly newAccountsFrom: readonly string[];
  /** Whether an address that it verified stands for the account that has it here. */
  readonly trustsEmail: boolean;
  /** Whether its word that several factors were shown spares the code of an app here. */
  readonly trustsMultiFactor: boolean;
  /** Values of `acr` that say so, beside `mfa` in `amr` (RFC 8176). */
  readonly multiFactorAcr: readonly string[];
}

/** Who signed in at a provider, as its ID token and its UserInfo say. */
export interface UpstreamIdentity {
  /** With the subject, the one thing that tells accounts apart for good (OpenID Connect Core section 5.7). */
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | undefined;
  readonly emailVerified: boolean;
  readonly name: string | undefined;
  /** When they last proved who they are; integer seconds, undefined where the provider does not say. */
  readonly authenticatedAt: number | undefined;
  readonly methods: readonly string[];
  readonly contextClass: string | undefined;
}

/** Tells whether a provider's word spares the code of an app. Pure. */
export function showedSeveralFactors(provider: UpstreamProvider, identity: UpstreamIdentity): boolean {
  if (!provider.trustsMultiFactor) return false;
  const { methods, contextClass } = identity;
  return (
    methods.includes('mfa') || (contextClass !== undefined && provider.multiFactorAcr.includes(contextClass))
  );
}

/** How a session remembers that it was opened through a provider, among the methods of RFC 8176. Pure. */
export const methodOf = ({ name }: Pick<UpstreamProvider, 'name'>): string => `upstream:${name}`;
