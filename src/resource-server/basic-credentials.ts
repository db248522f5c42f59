/** Writes HTTP Basic credentials; both halves are form-encoded before they are joined (RFC 6749 section 2.3.1). Pure. */
export function basicCredentials(clientId: string, clientSecret: string): string {
  const encode = (value: string) => new URLSearchParams({ v: value }).toString().slice(2);
  return `Basic ${btoa(`${encode(clientId)}:${encode(clientSecret)}`)}`;
}
