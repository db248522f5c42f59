/** The cookies of one origin, as a browser would keep and send them; when a cookie is going to expire is not followed. */
export interface CookieJar {
  /** Takes the `Set-Cookie` headers of a response. @param path of the request, without its query */
  keep(headers: Headers, path: string): void;
  /** The `Cookie` header for a request; empty when there is none. */
  headerFor(path: string): string;
  /** A kept value by name; of the longest path when there are several. */
  value(name: string): string | undefined;
  clear(): void;
}

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
}

/** Makes an empty jar. @see RFC 6265 sections 5.1.4, 5.3 and 5.4 */
export function createCookieJar(): CookieJar {
  const cookies = new Map<string, Cookie>();
  const longestPathFirst = () => [...cookies.values()].sort((a, b) => b.path.length - a.path.length);
  return {
    keep: (headers, requestPath) => {
      for (const line of headers.getSetCookie()) {
        const [pair = '', ...rest] = line.split(';').map((part) => part.trim());
        const attributes = new Map(
          rest.map((part) => splitAt(part)).map(([name, value]) => [name.toLowerCase(), value]),
        );
        const [name, value] = splitAt(pair);
        const given = attributes.get('path');
        const path = given?.startsWith('/')
          ? given
          : requestPath.slice(0, requestPath.lastIndexOf('/')) || '/';
        const key = `${name} ${path}`;
        if (isOver(attributes)) cookies.delete(key);
        else cookies.set(key, { name, value, path });
      }
    },
    headerFor: (path) =>
      longestPathFirst()
        .filter((cookie) => covers(cookie.path, path))
        .map(({ name, value }) => `${name}=${value}`)
        .join('; '),
    value: (name) => longestPathFirst().find((cookie) => cookie.name === name)?.value,
    clear: () => cookies.clear(),
  };
}

function splitAt(part: string): [string, string] {
  const equals = part.indexOf('=');
  return equals < 0 ? [part, ''] : [part.slice(0, equals).trim(), part.slice(equals + 1).trim()];
}

/** Whether the header takes the cookie away; Max-Age goes before Expires. */
function isOver(attributes: ReadonlyMap<string, string>): boolean {
  const maxAge = attributes.get('max-age');
  if (maxAge !== undefined) return Number(maxAge) <= 0;
  const expires = attributes.get('expires');
  return expires !== undefined && Date.parse(expires) <= Date.now();
}

function covers(cookiePath: string, path: string): boolean {
  if (path === cookiePath) return true;
  return path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`);
}
