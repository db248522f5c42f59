/** What a token endpoint gives, and what of it is kept. Pure. */
import { z } from 'zod';
import { type FormAnswer, ServerProblem } from './authorization-server.ts';
import type { Login } from './login-store.ts';

const names = z.array(z.string()).default([]);
const detailSchema = z.object({
  type: z.string(),
  identifier: z.string().optional(),
  slug: z.string().optional(),
  locations: names,
  roles: names,
  actions: names,
});

/** One of the places that a token reaches, as RFC 9396 writes it down. */
export type AuthorizationDetail = z.output<typeof detailSchema>;

const tokenSchema = z.object({
  access_token: z.string().min(1),
  token_type: z.string(),
  expires_in: z.number().int().nonnegative().optional(),
  refresh_token: z.string().optional(),
  scope: z.string().optional(),
  id_token: z.string().optional(),
  authorization_details: z.array(z.unknown()).optional(),
});

/** Assumed where the server says nothing of it (RFC 6749 section 5.1 only recommends it). */
const defaultLifetimeSeconds = 300;

/**
 * Reads a successful answer.
 * @param now integer seconds
 * @param before what was known; a refresh may leave out what it leaves as it is (RFC 6749 section 6)
 * @throws ServerProblem when it is none, or of a token type that we cannot use (RFC 6749 section 7.1)
 */
export function readTokenAnswer(
  { status, body }: FormAnswer,
  now: number,
  before: Pick<Login, 'issuer' | 'client_id'> & Partial<Login>,
): Login {
  const answer = tokenSchema.safeParse(body);
  if (status !== 200 || !answer.success || answer.data.token_type.toLowerCase() !== 'bearer') {
    throw new ServerProblem(`the token endpoint answered ${status} with something that is no bearer token`);
  }
  const { data } = answer;
  return {
    issuer: before.issuer,
    client_id: before.client_id,
    access_token: data.access_token,
    obtained_at: now,
    expires_at: now + (data.expires_in ?? defaultLifetimeSeconds),
    refresh_token: data.refresh_token ?? before.refresh_token,
    scope: data.scope ?? before.scope ?? '',
    id_token: data.id_token ?? before.id_token,
    authorization_details: data.authorization_details ?? before.authorization_details ?? [],
  };
}

/** Reads authorization details; what has another shape is left out. */
export function readDetails(details: readonly unknown[]): AuthorizationDetail[] {
  return details.flatMap((detail) => detailSchema.safeParse(detail).data ?? []);
}
