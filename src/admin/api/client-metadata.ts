/** The metadata of a client that an administrator registers (RFC 7591 section 2), from what the administrator chose. */
import { cleanRegistration } from '../../oauth/registration.ts';
import { withAssertions } from './client-assertions.ts';
import { withDeviceLogin } from './client-device-login.ts';
import { refusal } from './problem.ts';

/** What was chosen. */
export interface ChosenClient {
  readonly client_name: string;
  readonly redirect_uris: readonly string[];
  readonly post_logout_redirect_uris?: readonly string[] | undefined;
  /** It can keep a secret. */
  readonly confidential: boolean;
  readonly device_login: boolean;
  readonly assertions: boolean;
}

/**
 * Makes the metadata. Pure.
 * @throws Refusal `redirect_missing` when it would have no way to a token; `invalid_redirect`, `not_for_assertions`
 */
export function metadataOf(chosen: ChosenClient): Readonly<Record<string, unknown>> {
  const { confidential, device_login: deviceLogin, assertions } = chosen;
  if (assertions && !confidential) throw refusal('not_for_assertions');
  if (chosen.redirect_uris.length === 0 && !deviceLogin && !assertions) throw refusal('redirect_missing');
  const method = confidential ? 'client_secret_basic' : 'none';
  const cleaned =
    chosen.redirect_uris.length === 0
      ? ({ kind: 'accepted', metadata: withoutRedirects(chosen.client_name, method) } as const)
      : cleanRegistration({
          client_name: chosen.client_name,
          redirect_uris: chosen.redirect_uris,
          post_logout_redirect_uris: chosen.post_logout_redirect_uris,
          token_endpoint_auth_method: method,
        });
  if (cleaned.kind === 'refused') throw refusal('invalid_redirect', { reason: cleaned.reason });
  const kept = cleaned.metadata.post_logout_redirect_uris ?? [];
  const dropped = chosen.post_logout_redirect_uris?.find((uri) => !(kept as string[]).includes(uri));
  if (dropped !== undefined) throw refusal('invalid_redirect', { reason: `${dropped} cannot be led to` });
  const metadata = deviceLogin ? withDeviceLogin(cleaned.metadata, true) : cleaned.metadata;
  return assertions ? withAssertions(metadata, true) : metadata;
}

/** Of a client that sends nobody anywhere: the engine knows no code grant without a response type, and none without a redirect. */
const withoutRedirects = (name: string, method: string): Record<string, unknown> => ({
  client_name: name,
  redirect_uris: [],
  response_types: [],
  grant_types: [],
  token_endpoint_auth_method: method,
});
