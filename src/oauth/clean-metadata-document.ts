/** What a metadata document may say of its client: the rules of dynamic registration, and those of a public document. Pure. */
import { authenticationChoice, settleChoices, signingChoices } from './metadata-choices.ts';
import { type CleanedRegistration, cleanRegistration, type RegistrationRefusal } from './registration.ts';

const webAddresses = ['client_uri', 'logo_uri', 'policy_uri', 'tos_uri'];
const keyMembers = ['jwks', 'jwks_uri'];
/** What a client can do that anybody may read all about. */
const methods = ['none', 'private_key_jwt'];

/**
 * Cleans a document as a registration is cleaned. Without a method it is a public client; one with a shared secret is refused, because
 * a public document has nowhere to keep it.
 * @param document the JSON object
 * @returns client metadata that the library accepts, or the refusal
 * @see draft-ietf-oauth-client-id-metadata-document section 4.1
 */
export function cleanMetadataDocument(
  document: Readonly<Record<string, unknown>>,
): CleanedRegistration | RegistrationRefusal {
  const properties = settleChoices(document, {
    ...signingChoices,
    ...authenticationChoice(methods, document),
  });
  const asked = properties.token_endpoint_auth_method;
  if (typeof asked === 'string' && asked.startsWith('client_secret_')) {
    return refuse('a metadata document cannot ask for authentication by a shared secret');
  }
  const signs = asked === 'private_key_jwt';
  const kept: Record<string, unknown> = {
    ...properties,
    token_endpoint_auth_method: signs ? asked : 'none',
  };
  for (const name of webAddresses) if (!isHttps(kept[name])) delete kept[name];
  // Keys are looked at for authentication alone.
  for (const name of keyMembers) if (!signs || kept[name] === null || kept[name] === '') delete kept[name];
  const keys = keyMembers.filter((name) => kept[name] !== undefined);
  if (signs && keys.length !== 1) return refuse('private_key_jwt needs either jwks or jwks_uri');
  if (keys.includes('jwks_uri') && !isHttps(kept.jwks_uri)) return refuse('jwks_uri is not an https URL');
  const cleaned = cleanRegistration(kept);
  const algorithm = properties.token_endpoint_auth_signing_alg;
  if (cleaned.kind === 'refused' || !signs || algorithm === undefined) return cleaned;
  return 'token_endpoint_auth_signing_alg' in cleaned.metadata
    ? cleaned
    : refuse('token_endpoint_auth_signing_alg is not supported');
}

function isHttps(value: unknown): boolean {
  return typeof value === 'string' && URL.parse(value)?.protocol === 'https:';
}

function refuse(reason: string): RegistrationRefusal {
  return { kind: 'refused', error: 'invalid_client_metadata', reason };
}
