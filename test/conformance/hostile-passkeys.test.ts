/** Authenticators that lie about their keys. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isoCBOR } from '@simplewebauthn/server/helpers';
import { signIn } from '../support/account.ts';
import { engines } from '../support/databases.ts';
import { createBrowserlessClient, type Page } from '../support/http.ts';
import { startMandate, type TestMandate } from '../support/mandate.ts';

type Cbor = Parameters<typeof isoCBOR.encode>[0];

describe.each(engines)('on %s', (engine) => {
  let mandate: TestMandate;
  beforeAll(async () => {
    mandate = await startMandate({ engine });
  });
  afterAll(() => mandate.stop());

  const rpIdHash = createHash('sha256').update('localhost').digest();
  const csrfOf = ({ forms }: Page) => forms[0]?.fields.find(({ name }) => name === 'csrf')?.value ?? '';
  const clientData = (type: string, options: Page) => {
    const { challenge } = JSON.parse(options.body) as { challenge: string };
    return encoded(JSON.stringify({ type, challenge, origin: mandate.issuer }));
  };
  const encoded = (content: string | Uint8Array) => Buffer.from(content as string).toString('base64url');
  const answer = (id: Buffer, response: object) =>
    JSON.stringify({
      id: encoded(id),
      rawId: encoded(id),
      type: 'public-key',
      clientExtensionResults: {},
      response,
    });

  test.each([
    [
      'a point that is on no curve',
      [
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, new Uint8Array(32)],
        [-3, new Uint8Array(32)],
      ],
    ],
    [
      'coordinates of five bytes',
      [
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, new Uint8Array(5)],
        [-3, new Uint8Array(3)],
      ],
    ],
    [
      'an Ed25519 key of three bytes',
      [
        [1, 1],
        [3, -8],
        [-1, 6],
        [-2, new Uint8Array(3)],
      ],
    ],
    [
      'an RSA key of two bytes',
      [
        [1, 3],
        [3, -257],
        [-1, new Uint8Array(2)],
        [-2, new Uint8Array(1)],
      ],
    ],
  ] as const)('a key that is none signs nobody in, and breaks nothing: %s', async (_, key) => {
    const owner = await signIn(mandate.issuer, 'editor@acme.test');
    const csrf = csrfOf(await owner.get('/account/security'));
    const id = randomBytes(16);
    const asked = await owner.postForm('/account/security/passkeys/options', { csrf });
    const credential = Buffer.concat([
      ...[rpIdHash, Buffer.from([0x45]), Buffer.alloc(4 + 16), Buffer.from([0, id.length]), id],
      isoCBOR.encode(new Map(key as Iterable<[number, number]>) as Cbor),
    ]);
    const attestation = new Map<string, unknown>([
      ['fmt', 'none'],
      ['attStmt', new Map()],
      ['authData', new Uint8Array(credential)],
    ]);
    const made = answer(id, {
      clientDataJSON: clientData('webauthn.create', asked),
      attestationObject: encoded(isoCBOR.encode(attestation as unknown as Cbor)),
    });
    const added = await owner.postForm('/account/security/passkeys', { csrf, passkey: made, name: 'none' });
    expect([303, 422]).toContain(added.status);

    const browser = createBrowserlessClient(mandate.issuer);
    const own = csrfOf(await browser.get('/sign-in'));
    const options = await browser.postForm('/sign-in/passkey/options', { csrf: own });
    const proof = answer(id, {
      clientDataJSON: clientData('webauthn.get', options),
      authenticatorData: encoded(Buffer.concat([rpIdHash, Buffer.from([0x05, 0, 0, 0, 1])])),
      signature: encoded(Buffer.from('3006020101020101', 'hex')),
    });
    expect((await browser.postForm('/sign-in/passkey', { csrf: own, passkey: proof })).status).toBe(401);
    expect((await browser.get('/account/authorizations')).status).toBe(303);
  });
});
