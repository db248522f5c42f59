/** Bends well-formed requests out of shape, the same way again for the same seed. Owns how; not what is asked nor what is expected. */

/** A request as text: what a client would send, before anything is done to it. */
export interface PlainRequest {
  /** The endpoint in the figures; requests of one name count together. */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as a form. */
  readonly form?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
}

export interface MutatedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

/** A generator of numbers from 0 to 1 that a seed determines (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Values that have broken some server before. */
const nasty = [
  '',
  ' ',
  '0',
  '-1',
  '1e309',
  'null',
  'undefined',
  '[]',
  '{}',
  'true',
  '\0',
  'a\0b',
  '%',
  '%00',
  '%zz',
  '%c0%80',
  '\ud800',
  '\u202e',
  '..%2f..%2f',
  '//evil.example',
  'javascript:alert(1)',
  "' or 1=1 --",
  '"; drop table users; --',
  ['$', '{7*7}'].join(''),
  '<%= 7*7 %>',
  '__proto__',
  'constructor',
  'toString',
  'a'.repeat(300),
  'a'.repeat(5_000),
  '😀'.repeat(200),
  'eyJhbGciOiJub25lIn0.e30.',
  'eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhIn0.AAAA',
  'mk_0000000000000000000000000000000000000000000000000',
  '~key~mac',
  'https://localhost:1/client',
  'http://127.0.0.1:1/',
  'urn:ietf:params:oauth:grant-type:device_code',
];
const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY'];
const types = [
  'application/x-www-form-urlencoded',
  'application/json',
  'application/json, application/x-www-form-urlencoded',
  'application/x-www-form-urlencoded; charset=bogus',
  'multipart/form-data; boundary=x',
  'text/plain',
  'application/jwt',
  '/',
];
/** As many parameters as fit: whatever looks each of them up among all the others takes seconds. */
const flood = (length: number) => '&a'.repeat(length / 2);
/** What Node itself would refuse to send in a header. */
const unsendable = /[^\t\x20-\x7e]/g;

/** Makes one request of another. @param random numbers from 0 to 1 */
export function mutate(request: PlainRequest, random: () => number): MutatedRequest {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const chance = (share: number) => random() < share;
  const bend = (value: string): string => {
    if (chance(0.6)) return pick(nasty);
    const at = Math.floor(random() * (value.length + 1));
    if (chance(0.5)) return value.slice(0, at) + pick(nasty) + value.slice(at);
    return value.slice(0, at) + value.slice(at + 1 + Math.floor(random() * 4));
  };
  const bendFields = (fields: Readonly<Record<string, string>>): [string, string][] => {
    const pairs = Object.entries(fields);
    for (let times = 1 + Math.floor(random() * 3); times > 0; times--) {
      const at = Math.floor(random() * Math.max(1, pairs.length));
      const [name = 'x', value = ''] = pairs[at] ?? [];
      const roll = random();
      if (roll < 0.15) pairs.splice(at, 1);
      else if (roll < 0.32) pairs.push([name, bend(value)]);
      else if (roll < 0.42) pairs.push([pick(nasty).slice(0, 60), value]);
      else if (roll < 0.48) pairs.splice(at, 1, [`${name}[]`, value]);
      else pairs.splice(at, 1, [name, bend(value)]);
    }
    return pairs;
  };
  const encode = (pairs: readonly [string, string][]) =>
    chance(0.1)
      ? pairs.map(([name, value]) => `${name}=${value}`).join('&')
      : new URLSearchParams(
          pairs.map(([name, value]) => [name.toWellFormed(), value.toWellFormed()]),
        ).toString();

  const headers: Record<string, string> = { ...request.headers };
  let body: string | undefined;
  if (request.form) {
    headers['content-type'] = types[0] as string;
    body = encode(bendFields(request.form));
  } else if (request.json !== undefined) {
    headers['content-type'] = 'application/json';
    body = bendJson(request.json, random, bend);
  }
  if (body !== undefined && chance(0.05)) body = body.slice(0, Math.floor(random() * body.length));
  if (body !== undefined && chance(0.02)) body = '['.repeat(10_000);
  if (request.form && chance(0.01)) body = `${body ?? ''}${flood(50_000)}`;
  if (body !== undefined && chance(0.05)) headers['content-type'] = pick(types);
  if (chance(0.05))
    headers[
      pick(['accept', 'accept-language', 'origin', 'cookie', 'x-forwarded-for', 'dpop', 'content-encoding'])
    ] = bend('gzip');
  if (headers.authorization && chance(0.1)) headers.authorization = bend(headers.authorization);
  for (const [name, value] of Object.entries(headers)) headers[name] = value.replace(unsendable, '?');

  // Whatever the method: a body that is not announced would be read as the next request.
  if (body !== undefined) headers['content-length'] = String(Buffer.byteLength(body));
  const query = chance(0.01)
    ? flood(18_000)
    : request.query
      ? encode(bendFields(request.query))
      : chance(0.1)
        ? encode(bendFields({ a: 'b' }))
        : '';
  let path = request.path;
  if (chance(0.08)) path = `${path}${pick(['/', '//', ';x', '/..', '%00', '%2e%2e', '.json', '/%ff'])}`;
  const target = `${path}${query === '' ? '' : `?${query}`}`.replace(/[^\x21-\x7e]/g, (character) =>
    encodeURIComponent(character.toWellFormed()),
  );
  return {
    method: chance(0.05) ? pick(methods) : request.method,
    path: target.slice(0, 20_000),
    headers,
    body,
  };
}

function bendJson(value: unknown, random: () => number, bend: (value: string) => string): string {
  const copy = structuredClone(value) as Record<string, unknown>;
  const names = Object.keys(copy);
  const name = names[Math.floor(random() * names.length)] ?? 'x';
  const old = copy[name];
  const values: unknown[] = [
    null,
    [],
    {},
    [[]],
    0,
    -1,
    1e308,
    true,
    '',
    ['a', 'a'],
    { a: { a: {} } },
    [null],
    bend(String(old)),
  ];
  copy[name] = values[Math.floor(random() * values.length)];
  if (random() < 0.1) delete copy[name];
  const text = JSON.stringify(copy);
  return random() < 0.05 ? text.replace('{', '{"__proto__":{"admin":true},') : text;
}
