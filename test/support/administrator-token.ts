/** A tool that administers: its token for Mandate's own API, got by the whole code flow, and calls with it. */
import { type ApiAnswer, callApi } from './administrator.ts';
import { tokenByCode } from './oauth.ts';

export interface AdministratingTool {
  readonly token: string;
  readonly authorizationId: string;
  /** @param path below `/api/v1` */
  call<Body = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<ApiAnswer<Body>>;
}

/** Calls with a bearer token and nothing else: no cookie, no proof that a page of ours sent it. */
export function toolWith(issuer: string, token: string, authorizationId = ''): AdministratingTool {
  return {
    token,
    authorizationId,
    call: (method, path, body, headers = {}) =>
      callApi(issuer, method, path, body, { authorization: `Bearer ${token}`, ...headers }),
  };
}

/** Has a person authorize `acme-web` to administer Mandate for them. */
export async function administratingTool(
  issuer: string,
  email: string,
  answers: Record<string, boolean | string> = { 'mandate:admin': true },
): Promise<AdministratingTool> {
  const request = { scope: 'mandate:admin api flows:edit', resource: `${issuer}/api/v1` };
  const answer = await tokenByCode(issuer, { email, answers }, request);
  const [detail] = (answer.authorization_details ?? []) as { identifier?: string }[];
  return toolWith(issuer, answer.access_token ?? '', detail?.identifier);
}
