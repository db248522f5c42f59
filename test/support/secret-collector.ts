/** Listens to what a test sends and is sent, and remembers every secret in it: the list is complete because nobody writes it. */

const answered = [
  'access_token',
  'refresh_token',
  'id_token',
  'device_code',
  'user_code',
  'request_uri',
  'client_secret',
];
const sent = [
  'password',
  'client_secret',
  'code',
  'code_verifier',
  'device_code',
  'refresh_token',
  'token',
  'client_assertion',
  'user_code',
];
/** Cookies that are cleared carry nothing. */
const shortest = 8;

export interface SecretCollector {
  /** Secret → what it is. */
  readonly secrets: ReadonlyMap<string, string>;
  /** Adds one by hand. */
  add(what: string, value: string): void;
  /** Gives `fetch` back. */
  stop(): void;
}

/** Stands between this test and `fetch`. */
export function collectSecrets(): SecretCollector {
  const secrets = new Map<string, string>();
  const original = globalThis.fetch;
  const add = (what: string, value: string) => {
    // What is public in it does not count: the prefix of a pushed request, the header and payload of a JWT.
    const secret = value
      .replace(/^urn:ietf:params:oauth:request_uri:/, '')
      .replace(/^eyJ[\w-]*\.[\w-]*\./, '');
    if (secret.length < shortest || secrets.has(secret)) return;
    secrets.set(secret, what);
    // A user code is typed with and without its dash.
    if (what.includes('user_code')) secrets.set(secret.replaceAll('-', ''), what);
  };
  globalThis.fetch = async (input, init) => {
    readRequest(init, add);
    const response = await original(input, init);
    await readResponse(response.clone(), add);
    return response;
  };
  return {
    secrets,
    add,
    stop: () => {
      globalThis.fetch = original;
    },
  };
}

type Add = (what: string, value: string) => void;

function readRequest(init: RequestInit | undefined, add: Add): void {
  const headers = new Headers(init?.headers);
  const basic = /^Basic (.+)$/.exec(headers.get('authorization') ?? '')?.[1];
  if (basic) {
    const [, secret = ''] = Buffer.from(basic, 'base64').toString().split(':');
    add('client secret in Basic', secret);
  }
  const proof = headers.get('dpop');
  if (proof) add('DPoP proof', proof);
  if (!(init?.body instanceof URLSearchParams)) return;
  for (const name of sent) {
    for (const value of init.body.getAll(name)) add(`${name} in a form`, value);
  }
}

async function readResponse(response: Response, add: Add): Promise<void> {
  for (const line of response.headers.getSetCookie()) {
    const [name = '', value = ''] = (line.split(';')[0] ?? '').split('=');
    add(`cookie ${name}`, value);
  }
  const location = response.headers.get('location');
  const code = location && URL.parse(location, response.url)?.searchParams.get('code');
  if (code) add('code', code);
  if (!response.headers.get('content-type')?.includes('json')) return;
  const body = (await response.json()) as Record<string, unknown>;
  for (const name of answered) {
    if (typeof body[name] === 'string') add(name, body[name]);
  }
}
