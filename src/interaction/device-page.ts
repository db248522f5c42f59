/** View models of the device pages: the code, the comparison, and the two ways it ends. */

import { normalizeUserCode } from '../oauth/user-code.ts';
import { type ClientFace, type ClientFacts, faceOf } from './client-face.ts';
import { displayText } from './display-text.ts';

export type DeviceProblem =
  | { readonly kind: 'no_code' | 'not_found' | 'expired' | 'used' | 'cancelled' }
  | { readonly kind: 'too_many'; readonly minutes: number };

/** `device-entry.ejs`. Posts `user_code` and `xsrf`. */
export interface DeviceEntryPage {
  readonly action: string;
  readonly xsrf: string;
  /** A well-formed code to start from; what was typed otherwise is never shown again. */
  readonly userCode: string;
  readonly problem?: DeviceProblem;
}

/** `device-confirm.ejs`. Posts `xsrf`, `user_code` and `confirm=yes` or `abort=yes`. */
export interface DeviceConfirmPage {
  readonly action: string;
  readonly xsrf: string;
  readonly userCode: string;
  readonly client: ClientFace;
  /** Address and device that asked for the code. */
  readonly address: string;
  readonly userAgent: string;
  /** Epoch seconds. */
  readonly requestedAt: number;
  readonly now: number;
}

/** `device-done.ejs`: approved, denied on the consent page, or cancelled at the comparison. */
export interface DeviceDonePage {
  readonly outcome: 'approved' | 'denied' | 'cancelled';
  readonly client?: ClientFace;
  /** Address of the person's authorizations. */
  readonly authorizationsHref?: string;
}

/** Builds the code entry page. Pure. `typed` is shown only if it is a code. */
export function buildDeviceEntryPage(input: {
  readonly action: string;
  readonly xsrf: string;
  readonly typed?: string | undefined;
  readonly problem?: DeviceProblem | undefined;
}): DeviceEntryPage {
  return {
    action: input.action,
    xsrf: input.xsrf,
    userCode: normalizeUserCode(input.typed ?? '') ?? '',
    ...(input.problem !== undefined && { problem: input.problem }),
  };
}

/** Builds the comparison page. Pure. */
export function buildDeviceConfirmPage(input: {
  readonly action: string;
  readonly xsrf: string;
  readonly userCode: string;
  readonly client: ClientFacts;
  readonly address: string;
  readonly userAgent?: string | undefined;
  readonly requestedAt: number;
  readonly now: number;
}): DeviceConfirmPage {
  return {
    ...input,
    // Polling clients have no redirect: where the person would be sent is not a fact of this flow.
    client: faceOf({ ...input.client, redirectHost: undefined }),
    address: displayText(input.address, 60),
    userAgent: displayText(input.userAgent ?? '', 120),
  };
}
