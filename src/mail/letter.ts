import type { DocumentPart } from '../clients/document-difference.ts';

/** What is told by mail, as data. Every member ends up sealed in the outbox: it may hold a token, never a password. */

export type Letter =
  | {
      readonly kind: 'invitation';
      readonly to: string;
      /** The address of whoever invites. */
      readonly by: string;
      /** Opens the page where the password is set. */
      readonly token: string;
      readonly until: number;
    }
  /** Whether there is such an account is found out when it is sent: asking takes the same for everybody. */
  | { readonly kind: 'password_reset_wanted'; readonly email: string }
  | {
      readonly kind: 'password_reset';
      readonly to: string;
      readonly token: string;
      readonly until: number;
    }
  | { readonly kind: 'password_changed'; readonly to: string }
  | { readonly kind: 'sign_in_changed'; readonly to: string; readonly what: SignInChange }
  | (KeyNotice & { readonly kind: 'key_made' })
  | (KeyNotice & { readonly kind: 'key_leaked' })
  | (KeyNotice & { readonly kind: 'key_moved_here' })
  | (KeyNotice & { readonly kind: 'key_moved_away' })
  | {
      /** To whoever may decide. */
      readonly kind: 'approval_requested';
      readonly to: string;
      readonly capabilities: readonly string[];
      /** In the words of whoever asked. */
      readonly justification: string;
      /** The address of whoever asked; null where nobody knows. */
      readonly by: string | null;
    }
  | {
      /** To the owner of the authorization. */
      readonly kind: 'approval_given' | 'approval_declined';
      readonly to: string;
      readonly capability: string;
      /** In the words of whoever decided; null where there are none. */
      readonly note: string | null;
      readonly authorizationId: string;
    }
  | {
      /** To whoever looks after clients. */
      readonly kind: 'document_changed';
      readonly to: string;
      readonly clientId: string;
      readonly parts: readonly DocumentPart[];
      /** An administrator vouched for it, and does no longer. */
      readonly wasVerified: boolean;
    }
  | {
      /** To the owner, who was not asked. */
      readonly kind: 'tool_set_up';
      readonly to: string;
      /** The name of a client that an administrator vouches for. */
      readonly tool: string | null;
      /** The identity provider's address. */
      readonly issuer: string;
      readonly authorizationId: string;
    }
  | {
      readonly kind: 'tokens_replayed';
      readonly to: string;
      /** The name of a client that an administrator vouches for. */
      readonly tool: string | null;
      readonly authorizationId: string;
    };

/** What can change about how somebody signs in, beside the password. */
export type SignInChange =
  | 'passkey_added'
  | 'passkey_removed'
  | 'passkey_doubtful'
  | 'second_factor_added'
  | 'second_factor_removed'
  | 'upstream_linked'
  | 'upstream_unlinked'
  | 'recovery_code_used'
  /** Told to the address that it was. */
  | 'address_changed';

interface KeyNotice {
  readonly to: string;
  /** What the key is called; whoever named it may have been anyone. */
  readonly key: string;
  /** The address of whoever did it; null where nobody knows. */
  readonly by: string | null;
  readonly authorizationId: string;
}

/** A letter that can be sent as it is. */
export type Deliverable = Exclude<Letter, { kind: 'password_reset_wanted' }>;
