/**
 * Names one of Mandate's endpoints. Pure.
 *
 * @param path - under the issuer, such as `/introspect`
 * @param named - the endpoint itself, where no issuer is given
 * @throws TypeError when neither is a web address: asked at all the same, a setting that is not there would look like an outage
 */
export function endpointOf(issuer: string | undefined, path: string, named?: string): string {
  const endpoint = issuer === undefined ? named : `${canonical(issuer)}${path}`;
  if (endpoint !== undefined && URL.canParse(endpoint) && /^https?:$/.test(new URL(endpoint).protocol))
    return endpoint;
  throw new TypeError(
    endpoint === undefined ? 'issuer is missing' : `issuer is no web address: ${issuer ?? named}`,
  );
}

/** Writes an issuer as Mandate does, without a slash at its end. Pure. */
export function canonical(issuer: string): string {
  return issuer.replace(/\/$/, '');
}
