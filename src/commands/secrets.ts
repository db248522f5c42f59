/** `secrets`: what a new MANDATE_SECRET leaves to do. */
import { resealAll, type SecretsInUse, secretsInUse } from '../secret-rotation.ts';
import { type Answer, done } from './answer.ts';
import type { Workspace } from './workspace.ts';

/** `secrets status` */
export async function showSecrets(workspace: Workspace): Promise<Answer> {
  const inUse = await secretsInUse(workspace);
  return done(documentOf(inUse), textOf(inUse));
}

/** `secrets rotate`: brings what is sealed to the present secret. */
export async function rotateSecrets(workspace: Workspace): Promise<Answer> {
  const resealed = await resealAll(workspace);
  const inUse = await secretsInUse(workspace);
  return done(
    { resealed, ...documentOf(inUse) },
    `sealed ${resealed} ${resealed === 1 ? 'row' : 'rows'} under MANDATE_SECRET\n${textOf(inUse)}`,
  );
}

const documentOf = ({ sealed, hashed }: SecretsInUse) => ({
  sealed_under_earlier: sealed,
  not_seen_since: hashed,
});

function textOf({ sealed, hashed }: SecretsInUse): string {
  const left = [
    [hashed.api_key_secrets, 'API key', 'API keys'],
    [hashed.clients, 'client secret', 'client secrets'],
    [hashed.resource_servers, "resource server's secret", "resource servers' secrets"],
  ] as const;
  const unseen = left.flatMap(([count, one, many]) =>
    count > 0 ? [`${count} ${count === 1 ? one : many}`] : [],
  );
  const lines = [
    sealed > 0
      ? `${sealed} sealed under an earlier secret or by an earlier version: run \`mandate secrets rotate\``
      : 'nothing is sealed under an earlier secret',
    unseen.length > 0
      ? `not shown since MANDATE_SECRET changed: ${unseen.join(', ')}; without MANDATE_SECRET_PREVIOUS they would be lost`
      : 'every API key and secret of a client or resource server is known under MANDATE_SECRET',
  ];
  return lines.join('\n');
}
