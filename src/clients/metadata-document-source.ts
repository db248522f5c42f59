/**
 * Where metadata documents come from: asks for one and judges what came as a document, before anybody looks at it as a client.
 * Does not own what a client may say of itself (`oauth/clean-metadata-document.ts`), nor what is kept.
 * @see draft-ietf-oauth-client-id-metadata-document sections 4 and 5
 */
import { readMetadataDocument } from './metadata-document-reading.ts';
import type { PublicHttps } from './metadata-document-transport.ts';

const mostBytes = 5 * 1_024;
/** Whatever the host says, a document is asked for again after these: what is taken out of it must not live on. */
const fresh = { leastSeconds: 60, mostSeconds: 300 };

export type Asked =
  | {
      readonly kind: 'document';
      readonly properties: Record<string, unknown>;
      /** For how long it need not be asked for again. */
      readonly freshSeconds: number;
    }
  /** The host answers, and not with a document. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** The host may answer later. */
  | { readonly kind: 'unreachable'; readonly reason: string };

export interface MetadataDocumentSource {
  /** Asks for a document. @param url one in which `documentUrlProblem` finds nothing */
  ask(url: string): Promise<Asked>;
}

export function createMetadataDocumentSource({ https }: { https: PublicHttps }): MetadataDocumentSource {
  return {
    async ask(url) {
      const got = await https.get(url, { mostBytes });
      if (got.kind !== 'answer') return got;
      const { status, headers, body } = got;
      if (status >= 500 || status === 429) {
        return { kind: 'unreachable', reason: `the host answered ${status}` };
      }
      if (status !== 200) return { kind: 'refused', reason: `the host answered ${status}` };
      if (!/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(headers['content-type'] ?? '')) {
        return { kind: 'refused', reason: 'the answer is not JSON' };
      }
      const read = readMetadataDocument(url, body);
      if (read.kind === 'refused') return read;
      return { ...read, freshSeconds: freshSeconds(headers['cache-control'] ?? '') };
    },
  };
}

/** Reads for how long an answer is fresh, within our bounds. Pure. @see RFC 9111 section 5.2.2.1 */
function freshSeconds(cacheControl: string): number {
  const said = Number(/(?:^|,)\s*max-age\s*=\s*"?(\d+)/i.exec(cacheControl)?.[1] ?? 0);
  if (/no-(store|cache)/i.test(cacheControl)) return fresh.leastSeconds;
  return Math.min(fresh.mostSeconds, Math.max(fresh.leastSeconds, said));
}
