/** An identity provider whose assertions stand in for a person's consent, as the operator settled it; plain data. */
import type { JWK } from 'jose';

/** The grant type of RFC 7523 section 2.1. */
export const assertionGrantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** What the metadata calls it (draft-ietf-oauth-identity-assertion-authz-grant section 7.2). */
export const assertionGrantProfile = 'urn:ietf:params:oauth:grant-profile:id-jag';

export interface AssertionIssuer {
  /** Part of the audit trail: lower case letters, digits and dashes. */
  readonly name: string;
  /** What pages call it. */
  readonly label: string;
  readonly issuer: string;
  readonly keys: IssuerKeys;
  /** Clients that may present its assertions. */
  readonly clients: readonly string[];
  /** Domains whose verified addresses stand for the account that has them here; none: linked accounts alone. */
  readonly emailDomains: readonly string[];
  /** What it may hand over at most: capability names. */
  readonly capabilities: readonly string[];
  /** For which resources, in any spelling. */
  readonly resources: readonly string[];
  /** How long a token may be good that was got with one of its assertions. */
  readonly tokenSeconds: number;
}

/** Where its keys are. */
export type IssuerKeys =
  | { readonly kind: 'discovered' }
  | { readonly kind: 'address'; readonly uri: string }
  | { readonly kind: 'fixed'; readonly jwks: { readonly keys: readonly JWK[] } };

/** How the audit trail names it. Pure. */
export const actorOf = ({ name }: Pick<AssertionIssuer, 'name'>): string => `issuer:${name}`;
