/** How a page names the tool that is asking: by what is proven about it, never by what it says of itself. */

import type { Words } from '../http/messages.ts';
import { displayText } from './display-text.ts';

/** What is known about the client. Hosts are as the URL parser writes them, port included, punycode kept. */
export interface ClientFacts {
  readonly clientId: string;
  readonly name?: string | undefined;
  /** An admin registered or verified it, so its name may be believed. */
  readonly verified: boolean;
  /** Host of its redirect or document that tells it apart; absent for a tool on the person's computer. */
  readonly host?: string | undefined;
  /** Where the person will be sent; absent in the device flow. */
  readonly redirectHost?: string | undefined;
  /** It asks by a device code: it may run on any machine, whatever its redirects say. */
  readonly onDevice?: boolean | undefined;
  /** Every redirect is a loopback address or a private scheme: any program on the computer could be behind it. */
  readonly localOnly: boolean;
  /** Host of the metadata document that is its client id. */
  readonly metadataDocumentHost?: string | undefined;
}

export interface ClientFace {
  /** What the heading shows: a believed name, a host, or only that it runs on this computer or on some device. */
  readonly kind: 'name' | 'host' | 'local' | 'device';
  /** The name or the host; empty for `local` and `device`. */
  readonly heading: string;
  /** What it calls itself, when that is not believed. */
  readonly claimedName?: string;
  readonly clientId: string;
  readonly verified: boolean;
  readonly redirectHost?: string;
  readonly localOnly: boolean;
  readonly onDevice: boolean;
  readonly publishedAt?: string;
}

/** Decides how to name a client. Pure. */
export function faceOf(client: ClientFacts): ClientFace {
  const name = displayText(client.name ?? '', 60);
  const host = displayText(client.host ?? client.metadataDocumentHost ?? client.redirectHost ?? '', 120);
  const believed = client.verified && name !== '';
  const onDevice = client.onDevice === true;
  const placeless = client.localOnly || host === '';
  const kind = believed ? 'name' : !placeless ? 'host' : onDevice ? 'device' : 'local';
  return {
    kind,
    heading: kind === 'name' ? name : kind === 'host' ? host : '',
    ...(!believed && name !== '' && { claimedName: name }),
    clientId: displayText(client.clientId, 200),
    verified: client.verified,
    ...(client.redirectHost !== undefined && { redirectHost: displayText(client.redirectHost, 120) }),
    localOnly: client.localOnly && !onDevice,
    onDevice,
    ...(client.metadataDocumentHost !== undefined && {
      publishedAt: displayText(client.metadataDocumentHost, 120),
    }),
  };
}

/** Names a client in the middle of a sentence; never by a name that is not believed. Pure. */
export function callClient(face: ClientFace, words: Words): string {
  return face.heading === '' ? words.t('client.this_tool') : face.heading;
}
