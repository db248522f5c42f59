/** What a tool handed on to others, below its authorization: which tool, for what, and how to end it. Pure. */
import type { Authorization } from '../authorizations/authorization.ts';
import type { Words } from '../http/messages.ts';
import { type ClientFace, type ClientFacts, callClient, faceOf } from '../interaction/client-face.ts';
import { displayText } from '../interaction/display-text.ts';
import type { Standing } from '../policy/vocabulary.ts';
import { statusLabel } from './authorizations-page.ts';

/** One authorization that was made of another, as it counts now. */
export interface HandedOnEntry {
  readonly authorization: Authorization;
  /** The tool that it was handed to; undefined when it is gone. */
  readonly client: ClientFacts | undefined;
  /** The tool that handed it on, where that was handed it as well. */
  readonly by: ClientFacts | undefined;
  /** Its own, or that of the first above it that does not stand. */
  readonly standing: Standing;
  /** Capability names that hold for its audience now. */
  readonly scope: readonly string[];
}

export interface HandedOnRow {
  readonly client?: ClientFace;
  readonly by?: string;
  readonly audience: string;
  readonly scope: readonly string[];
  readonly status: Standing;
  readonly statusLabel: string;
  readonly createdAt: number;
  readonly lastUse?: { readonly at: number; readonly by: string; readonly from: string };
  /** Absent where it has ended. */
  readonly revokeHref?: string;
  /** Only where it was suspended itself. */
  readonly resumeHref?: string;
  /** The button's name, which says of whom it is. */
  readonly revokeLabel: string;
}

/** Builds the rows. */
export function handedOnRows(entries: readonly HandedOnEntry[], words: Words): HandedOnRow[] {
  return entries.map(({ authorization, client, by, standing, scope }) => ({
    ...(client && { client: faceOf(client) }),
    ...(by && { by: words.t('account.handed_on.by', { tool: callClient(faceOf(by), words) }) }),
    audience: displayText(authorization.resource ?? '', 2_000),
    scope,
    status: standing,
    statusLabel: statusLabel(standing, words),
    createdAt: authorization.createdAt,
    ...(authorization.lastUse && {
      lastUse: { ...authorization.lastUse, by: displayText(authorization.lastUse.by) },
    }),
    ...(authorization.status !== 'revoked' && {
      revokeHref: `/account/authorizations/${authorization.id}/revoke`,
    }),
    ...(authorization.status === 'suspended' && {
      resumeHref: `/account/authorizations/${authorization.id}/resume`,
    }),
    revokeLabel: words.t('account.handed_on.revoke', {
      tool: client ? callClient(faceOf(client), words) : words.t('client.this_tool'),
    }),
  }));
}
