/** Tells whether a request to this address cannot be read on its way: https, or this computer itself. Pure. @see OAuth 2.1 section 1.5 */
export function mayCarrySecrets(address: string): boolean {
  const url = URL.parse(address);
  if (!url) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isThisComputer(url.hostname));
}

function isThisComputer(hostname: string): boolean {
  return /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}
