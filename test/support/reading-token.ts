import { issueToken } from './issue-token.ts';
import { demo, type TestMandate } from './mandate.ts';
import { introspect } from './oauth.ts';
import { codeFlow } from './oauth-requests.ts';

const day = 24 * 3_600;

/** A token that lives longer than anything that is added, of an authorization that reads only. */
export async function readingToken(
  { issuer, store, clock }: TestMandate,
  email: string,
  audience: string = demo.api,
): Promise<{ token: string; id: string }> {
  const { body } = await codeFlow(issuer, { email, request: { scope: 'api', resource: audience } });
  const first = body.access_token ?? '';
  const id = String((await introspect(issuer, first)).authorization_id);
  const facts = { authorizationId: id, clientId: demo.cli.id, audience };
  const issued = { issuedAt: clock.now(), lifetimeSeconds: 100 * day };
  return { token: await issueToken(store, { ...facts, ...issued }), id };
}
