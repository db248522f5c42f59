/**
 * Passkeys: the two ceremonies of WebAuthn level 3, registration and authentication. Owns what is asked of an authenticator and
 * whether its answer holds; does not own who may sign in, nor what the session is.
 */
import { randomBytes } from 'node:crypto';
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server';
import { z } from 'zod';
import type { Actor } from '../changes/change-log.ts';
import type { ChallengeKind, ChallengeStore } from './challenge-store.ts';
import { longestPasskeyName, mostPasskeys, type Passkey, type PasskeyStore } from './passkey-store.ts';

export type NewPasskeyOutcome =
  | { readonly outcome: 'added'; readonly passkey: Passkey }
  /** The answer does not hold, came too late, or its credential is known already. */
  | { readonly outcome: 'refused' };

export type PasskeyProof =
  | { readonly outcome: 'right'; readonly userId: string; readonly methods: readonly string[] }
  | { readonly outcome: 'refused' };

export interface Passkeys {
  /** Asks for a new passkey. @param browser what binds the question to the browser that is asked */
  askForNew(
    user: { id: string; email: string; name: string },
    browser: string,
  ): Promise<PublicKeyCredentialCreationOptionsJSON>;
  addNew(
    actor: Actor,
    userId: string,
    browser: string,
    answer: { readonly json: string; readonly name: string },
  ): Promise<NewPasskeyOutcome>;
  /** Asks for any passkey that a person has here, or for one of this person's. */
  ask(
    kind: Extract<ChallengeKind, 'passkey_sign_in' | 'passkey_confirm'>,
    browser: string,
    userId?: string,
  ): Promise<PublicKeyCredentialRequestOptionsJSON>;
  /** Judges the answer: once, whatever it is. */
  prove(
    kind: Extract<ChallengeKind, 'passkey_sign_in' | 'passkey_confirm'>,
    browser: string,
    json: string,
  ): Promise<PasskeyProof>;
}

/** COSE identifiers: EdDSA, ES256, RS256. */
const algorithms = [-8, -7, -257];
const encoded = z.string().max(16_384);
const credential = {
  id: z.string().max(2_048),
  rawId: z.string().max(2_048),
  type: z.literal('public-key'),
  clientExtensionResults: z.record(z.string(), z.unknown()).default({}),
  authenticatorAttachment: z.string().max(64).nullish(),
};
const registrationSchema = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: encoded,
    attestationObject: encoded,
    transports: z.array(z.string().max(32)).max(16).default([]),
  }),
});
const authenticationSchema = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: encoded,
    authenticatorData: encoded,
    signature: encoded,
    userHandle: z.string().max(256).nullish(),
  }),
});

/** Loaded when somebody uses a passkey: a server that only answers tools does without its memory. */
const library = () => import('@simplewebauthn/server');

export function createPasskeys(deps: {
  issuer: string;
  challenges: ChallengeStore;
  passkeyList: PasskeyStore;
}): Passkeys {
  const { issuer, challenges, passkeyList } = deps;
  const rpID = new URL(issuer).hostname;
  const newChallenge = () => new Uint8Array(randomBytes(32));
  const known = async (userId: string) =>
    (await passkeyList.list(userId)).map(({ credentialId, transports }) => ({
      id: credentialId,
      transports: [...transports],
    }));

  return {
    async askForNew(user, browser) {
      const { generateRegistrationOptions } = await library();
      const options = await generateRegistrationOptions({
        rpName: 'Mandate',
        rpID,
        userName: user.email,
        userDisplayName: user.name,
        userID: new TextEncoder().encode(user.id),
        challenge: newChallenge(),
        attestationType: 'none',
        excludeCredentials: await known(user.id),
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        supportedAlgorithmIDs: algorithms,
      });
      await challenges.open('passkey_new', browser, { value: options.challenge, userId: user.id });
      return options;
    },

    async addNew(actor, userId, browser, { json, name }) {
      const asked = await challenges.take('passkey_new', browser);
      const answer = registrationSchema.safeParse(parsed(json));
      if (asked?.userId !== userId || !answer.success) return { outcome: 'refused' };
      if ((await passkeyList.list(userId)).length >= mostPasskeys) return { outcome: 'refused' };
      const { verifyRegistrationResponse } = await library();
      try {
        const { verified, registrationInfo } = await verifyRegistrationResponse({
          response: answer.data as RegistrationResponseJSON,
          expectedChallenge: asked.matches,
          expectedOrigin: issuer,
          expectedRPID: rpID,
          requireUserVerification: true,
          supportedAlgorithmIDs: algorithms,
        });
        if (!verified) return { outcome: 'refused' };
        const passkey = await passkeyList.add(actor, {
          userId,
          credentialId: registrationInfo.credential.id,
          publicKey: Buffer.from(registrationInfo.credential.publicKey).toString('base64url'),
          counter: registrationInfo.credential.counter,
          transports: answer.data.response.transports,
          synced: registrationInfo.credentialBackedUp,
          name: name.trim().slice(0, longestPasskeyName) || 'Passkey',
        });
        return passkey ? { outcome: 'added', passkey } : { outcome: 'refused' };
      } catch (error) {
        return refusedBy(error);
      }
    },

    async ask(kind, browser, userId) {
      const { generateAuthenticationOptions } = await library();
      const options = await generateAuthenticationOptions({
        rpID,
        challenge: newChallenge(),
        userVerification: 'required',
        ...(userId !== undefined && { allowCredentials: await known(userId) }),
      });
      await challenges.open(kind, browser, {
        value: options.challenge,
        ...(userId !== undefined && { userId }),
      });
      return options;
    },

    async prove(kind, browser, json) {
      const asked = await challenges.take(kind, browser);
      const answer = authenticationSchema.safeParse(parsed(json));
      if (!asked || !answer.success) return { outcome: 'refused' };
      const passkey = await passkeyList.findByCredential(answer.data.id);
      if (!passkey || (asked.userId !== undefined && asked.userId !== passkey.userId)) {
        return { outcome: 'refused' };
      }
      const { verifyAuthenticationResponse } = await library();
      try {
        const { verified, authenticationInfo } = await verifyAuthenticationResponse({
          response: answer.data as AuthenticationResponseJSON,
          expectedChallenge: asked.matches,
          expectedOrigin: issuer,
          expectedRPID: rpID,
          requireUserVerification: true,
          // How far it has counted is compared where it is written down.
          credential: {
            id: passkey.credentialId,
            publicKey: new Uint8Array(Buffer.from(passkey.publicKey, 'base64url')),
            counter: 0,
          },
        });
        // Many a passkey is copied to other devices only after it was made (WebAuthn level 3 section 7.2).
        const synced = authenticationInfo.credentialBackedUp;
        if (!verified || !(await passkeyList.used(passkey, authenticationInfo.newCounter, synced))) {
          return { outcome: 'refused' };
        }
        return { outcome: 'right', userId: passkey.userId, methods: methodsOf({ synced }) };
      } catch (error) {
        return refusedBy(error);
      }
    },
  };
}

/** RFC 8176 section 2: proof of possession of a key, with the person verified by the device. */
const methodsOf = ({ synced }: Pick<Passkey, 'synced'>) => [synced ? 'swk' : 'hwk', 'user', 'mfa'];

/**
 * The library throws an `Error` for whatever it finds wrong with an answer, Web Crypto one with a number for a key that is none; what the
 * database throws, whose code is a word, is not the person's.
 */
function refusedBy(error: unknown): { outcome: 'refused' } {
  // By its shape: errors of another realm are none of this one's class.
  if (typeof (error as { code?: unknown } | undefined)?.code !== 'string') return { outcome: 'refused' };
  throw error;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
