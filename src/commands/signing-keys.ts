/** `signing-keys`: publish, promote, retire. A running server needs no restart for any of it. */
import {
  createSigningKeys,
  type KeyLife,
  type SigningKeys,
  usualLeadSeconds,
} from '../oauth/signing-keys.ts';
import { type Answer, done, refused } from './answer.ts';
import { shownInstant, table } from './table.ts';
import type { Workspace } from './workspace.ts';

/** `signing-keys list` */
export async function listSigningKeys(workspace: Workspace): Promise<Answer> {
  const lives = await keysOf(workspace).list();
  const rows = lives.map((key) => [
    key.kid,
    key.algorithm,
    key.state,
    shownInstant(key.publishedAt, '-'),
    shownInstant(key.signsFrom, '-'),
    shownInstant(key.retiresAt, '-'),
  ]);
  return done(
    { signing_keys: lives.map(documentOf) },
    table([['KID', 'ALGORITHM', 'STATE', 'PUBLISHED', 'SIGNS FROM', 'GONE AT'], ...rows]),
  );
}

/** `signing-keys rotate` */
export async function rotateSigningKeys(
  workspace: Workspace,
  { now = false, in: lead = usualLeadSeconds }: { now?: boolean; in?: number },
): Promise<Answer> {
  const result = await keysOf(workspace).rotate(workspace.actor, now ? 0 : lead);
  if (result.outcome === 'waiting') {
    return refused(
      `the next keys are published and sign from ${shownInstant(result.signsFrom, '-')}: run \`mandate signing-keys promote\` to have it sooner`,
    );
  }
  const { published, signsFrom } = result;
  return done(
    { published, signs_from: signsFrom },
    `published ${published.join(', ')}; they sign from ${shownInstant(signsFrom, '-')}, and the old ones verify until what they signed has expired`,
  );
}

/** `signing-keys promote` */
export async function promoteSigningKeys(workspace: Workspace): Promise<Answer> {
  const result = await keysOf(workspace).promote(workspace.actor);
  if (result.outcome === 'nothing_published') {
    return refused('no key waits to sign: run `mandate signing-keys rotate` to publish the next ones');
  }
  const { promoted, signsFrom } = result;
  return done(
    { promoted, signs_from: signsFrom },
    `${promoted.join(', ')} sign from ${shownInstant(signsFrom, '-')}`,
  );
}

/** `signing-keys revoke` */
export async function revokeSigningKey(workspace: Workspace, kid: string): Promise<Answer> {
  const { outcome } = await keysOf(workspace).revoke(workspace.actor, kid);
  switch (outcome) {
    case 'not_found':
      return refused(`there is no signing key ${kid}`);
    case 'only_one':
      return refused(
        `${kid} is the one that signs, and none is published: run \`mandate signing-keys rotate --now\` first`,
      );
    case 'done':
      return done({ kid }, `revoked ${kid}; what it signed is not believed any more`);
  }
}

const keysOf = (workspace: Workspace): SigningKeys => createSigningKeys(workspace);

const documentOf = (key: KeyLife) => ({
  kid: key.kid,
  algorithm: key.algorithm,
  state: key.state,
  published_at: key.publishedAt,
  signs_from: key.signsFrom,
  retires_at: key.retiresAt,
});
