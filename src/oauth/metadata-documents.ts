/**
 * Clients that are known by their metadata document (CIMD). Owns when a document is asked for and what happens when it cannot be
 * had; does not own the asking (`clients/metadata-document-source.ts`), nor the rows (`clients/client-store.ts`).
 *
 * The last good document is kept in the database and serves every request. Only where an authorization begins is it asked for
 * again, once it is no longer fresh: introspection, refresh and revocation never wait for somebody else's host.
 * @see draft-ietf-oauth-client-id-metadata-document
 */
import Provider, { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { ClientStore, StoredClient } from '../clients/client-store.ts';
import type { Asked, MetadataDocumentSource } from '../clients/metadata-document-source.ts';
import { documentUrlProblem, looksLikeDocumentUrl } from '../clients/metadata-document-url.ts';
import { addressBlock } from '../http/client-address.ts';
import type { Limit, RateLimits } from '../http/rate-limit.ts';
import { cleanMetadataDocument } from './clean-metadata-document.ts';
import { tooMany } from './registration-limit.ts';

export interface MetadataDocuments {
  /**
   * Finds a client as the running request may see it, asking for its document where that is due.
   * @param known what is stored under the id
   * @throws UnusableDocumentError when there is no document to go by; OIDCProviderError with 429 when too many were asked for
   */
  current(id: string, known: StoredClient | undefined): Promise<StoredClient | undefined>;
}

export interface MetadataDocumentsDependencies {
  readonly issuer: string;
  readonly clients: ClientStore;
  readonly source: MetadataDocumentSource;
  readonly limits: RateLimits;
  /** Where the running request comes from. */
  readonly addressOf: (ctx: KoaContextWithOIDC) => string;
  /** Rejects metadata that the library would not take. */
  readonly validate: (metadata: Record<string, unknown>) => Promise<void>;
}

/** There is no document to go by; what the person in front of the tool is told. */
export class UnusableDocumentError extends errors.InvalidClient {
  /** `unreachable` may pass by itself; `unusable` is for the tool's makers to mend. */
  readonly reason: 'unreachable' | 'unusable';
  /** When the document could last be used, if ever. */
  readonly lastGoodAt: number | null;

  constructor({ kind, sentence, lastGoodAt }: Refused) {
    super(sentence);
    this.reason = kind;
    this.lastGoodAt = lastGoodAt;
  }
}

/** Where an authorization begins. */
const asking = new Set(['authorization', 'pushed_authorization_request', 'device_authorization']);
/** Hosts that are slow on purpose leave room for the documents that are in use. */
const mostAtOnce = { unseen: 16, known: 32 };
const perAddress: Limit = { name: 'metadata-documents-address', points: 30, windowSeconds: 60 };
const perHost: Limit = { name: 'metadata-documents-host', points: 60, windowSeconds: 60 };
/** While its point is taken the document is fresh; each document says for how long. */
const fresh: Limit = { name: 'metadata-document-fresh', points: 1, windowSeconds: 0 };
/** While its point is taken the last good document stands in for a host that is down. */
const standsIn: Limit = { name: 'metadata-document-stands-in', points: 1, windowSeconds: 86_400 };
/** A host that is down is left alone for so long, so that not everybody waits for it. */
const leaveAloneSeconds = 30;

interface Refused {
  readonly kind: 'unreachable' | 'unusable';
  readonly sentence: string;
  readonly lastGoodAt: number | null;
}

type Outcome =
  | { readonly kind: 'found'; readonly client: StoredClient }
  | Refused
  | { readonly kind: 'limited'; readonly retryAfterSeconds: number };

const busy: Outcome = { kind: 'limited', retryAfterSeconds: 1 };

/** Creates what finds clients by their document. One for a server: it keeps one flight for each id. */
export function createMetadataDocuments(deps: MetadataDocumentsDependencies): MetadataDocuments {
  const { clients, limits } = deps;
  const flights = new Map<string, Promise<Outcome>>();
  let atOnce = 0;
  /** The library looks a client up again to answer an error; what a request was told once it is told again. */
  const told = new WeakMap<KoaContextWithOIDC, Map<string, Outcome>>();

  return {
    async current(id, known) {
      const ctx = Provider.ctx;
      if (!ctx || !asking.has(ctx.oidc.route) || !looksLikeDocumentUrl(id)) return known;
      if (known && (known.kind !== 'metadata_document' || known.disabled)) return known;
      const outcomes = told.get(ctx) ?? new Map<string, Outcome>();
      told.set(ctx, outcomes);
      const outcome = outcomes.get(id) ?? (await find(id, ctx));
      outcomes.set(id, outcome);
      return answer(outcome, ctx);
    },
  };

  async function find(id: string, ctx: KoaContextWithOIDC): Promise<Outcome> {
    const problem = documentUrlProblem(id, deps.issuer);
    if (problem) {
      return unusable(null, `client_id is not the address of a client metadata document: ${problem}`);
    }
    return flights.get(id) ?? take(id, deps.addressOf(ctx));
  }

  /** Lets everybody who asks for one id meanwhile share one flight. */
  function take(id: string, address: string): Promise<Outcome> {
    const flight = fly(id, address).finally(() => flights.delete(id));
    flights.set(id, flight);
    return flight;
  }

  async function fly(id: string, address: string): Promise<Outcome> {
    // A flight may have landed between the caller's look and now.
    const known = await clients.find(id);
    if (known && (await limits.peek(fresh, id)).kind === 'limited') return found(known);
    const stand = known && (await limits.peek(standsIn, id)).kind === 'limited' ? known : undefined;
    if (atOnce >= (known ? mostAtOnce.known : mostAtOnce.unseen)) return stand ? found(stand) : busy;
    atOnce += 1;
    try {
      return await askAndKeep(id, address, known, stand);
    } finally {
      atOnce -= 1;
    }
  }

  async function askAndKeep(
    id: string,
    address: string,
    known: StoredClient | undefined,
    stand: StoredClient | undefined,
  ): Promise<Outcome> {
    const limited = await useUp(id, address, known !== undefined);
    if (limited) return stand ? found(stand) : limited;
    const asked = await deps.source.ask(id);
    if (asked.kind === 'unreachable') {
      const sentence = `the client metadata document cannot be had: ${asked.reason}`;
      if (!stand) return { kind: 'unreachable', sentence, lastGoodAt: known?.documentGoodAt ?? null };
      await limits.take({ ...fresh, windowSeconds: leaveAloneSeconds }, id);
      return found(stand);
    }
    const lastGoodAt = known?.documentGoodAt ?? null;
    const outcome =
      asked.kind === 'document'
        ? await keep(id, address, asked, lastGoodAt)
        : unusable(lastGoodAt, cannotBeUsed(asked.reason));
    // What its publisher took back stands in for nothing.
    if (outcome.kind === 'unusable') await limits.forget(standsIn, id);
    return outcome;
  }

  async function useUp(id: string, address: string, known: boolean): Promise<Outcome | undefined> {
    const byAddress = await limits.take(perAddress, addressBlock(address));
    if (byAddress.kind === 'limited') return byAddress;
    // Ids that somebody makes up at a host must not keep the one that is in use from being looked at.
    const byHost = await limits.take(perHost, known ? id : new URL(id).hostname);
    return byHost.kind === 'limited' ? byHost : undefined;
  }

  async function keep(
    id: string,
    origin: string,
    asked: Extract<Asked, { kind: 'document' }>,
    lastGoodAt: number | null,
  ): Promise<Outcome> {
    const cleaned = cleanMetadataDocument(asked.properties);
    if (cleaned.kind === 'refused') return unusable(lastGoodAt, cannotBeUsed(cleaned.reason));
    const { metadata } = cleaned;
    try {
      await deps.validate({ ...structuredClone(metadata), client_id: id });
    } catch (error) {
      if (!(error instanceof errors.OIDCProviderError)) throw error;
      return unusable(lastGoodAt, cannotBeUsed(error.error_description ?? error.message));
    }
    const saved = await clients.saveMetadataDocument({ id: `client:${id}`, origin }, { id, metadata });
    if (saved.outcome === 'other_kind') return unusable(lastGoodAt, cannotBeUsed('client_id is taken'));
    await limits.take({ ...fresh, windowSeconds: asked.freshSeconds }, id);
    await limits.forget(standsIn, id);
    await limits.take(standsIn, id);
    return found(saved.client);
  }
}

function answer(outcome: Outcome, ctx: KoaContextWithOIDC): StoredClient {
  switch (outcome.kind) {
    case 'found':
      return outcome.client;
    case 'unreachable':
    case 'unusable':
      throw new UnusableDocumentError(outcome);
    case 'limited':
      throw tooMany(ctx, outcome.retryAfterSeconds, 'client metadata documents are being asked for');
  }
}

function found(client: StoredClient): Outcome {
  return { kind: 'found', client };
}

function unusable(lastGoodAt: number | null, sentence: string): Outcome {
  return { kind: 'unusable', sentence, lastGoodAt };
}

function cannotBeUsed(reason: string): string {
  return `the client metadata document cannot be used: ${reason}`;
}
