/** What is wrong with the client itself, for the person whom it sent here: unknown, switched off, or without a usable document. */
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { ChangeHistory } from '../changes/change-history.ts';
import type { ClientStore } from '../clients/client-store.ts';
import { looksLikeDocumentUrl } from '../clients/metadata-document-url.ts';
import type { ErrorFacts, ErrorKind } from '../http/error-page.ts';
import { UnusableDocumentError } from '../oauth/metadata-documents.ts';
import { toolOf } from './tool-of.ts';

export interface ClientProblem {
  readonly kind: ErrorKind;
  readonly facts: Partial<ErrorFacts>;
}

/** The end of a long id is of no use to anybody. */
const shownCharacters = 200;
/** A removal is among a client's last changes. */
const lastChanges = 5;

/** Finds what keeps the client of this request from being one; undefined when something else is wrong. */
export async function findClientProblem(
  { clients, history }: { clients: ClientStore; history: ChangeHistory },
  ctx: KoaContextWithOIDC,
  error: Error,
): Promise<ClientProblem | undefined> {
  const { client_id: id, redirect_uri: redirectUri } = ctx.oidc.params ?? {};
  if (typeof id !== 'string' || id === '' || id.includes('\0')) return undefined;
  const clientId = id.slice(0, shownCharacters);
  if (error instanceof UnusableDocumentError) {
    const facts = { clientId, lastGoodAt: error.lastGoodAt ?? undefined };
    return { kind: `document_${error.reason}`, facts };
  }
  if (ctx.oidc.client) return undefined;
  const known = await clients.find(id);
  if (known) return known.disabled ? { kind: 'client_disabled', facts: { clientId } } : undefined;
  // The address of a document is nobody's registration: there is nothing to reset.
  if (looksLikeDocumentUrl(id)) return undefined;
  const advice = toolOf(await nameOnRecord(history, id), redirectUri);
  return { kind: 'client_gone', facts: { clientId, advice } };
}

async function nameOnRecord(history: ChangeHistory, id: string): Promise<unknown> {
  const removal = (await history.of('client', id, lastChanges)).find(({ action }) => action === 'removed');
  const before = removal?.before as { metadata?: { client_name?: unknown } } | undefined;
  return before?.metadata?.client_name;
}
