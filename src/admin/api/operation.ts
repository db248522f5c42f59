/**
 * What the administration can do, one operation each: who may, what it takes, what it answers. The JSON API, its description, the
 * pages and the tests all read the same value, so what is written down is what is enforced.
 */
import { z } from 'zod';
import type { Store } from '../../../db/open.ts';
import { isLostRace } from '../../../db/outage.ts';
import type { Invitations } from '../../account/invitations.ts';
import type { Clock } from '../../clock.ts';
import type { ManagementPermission } from '../../directory/management-permissions.ts';
import type { Passwords } from '../../directory/passwords.ts';
import type { Doctor } from '../../doctor/doctor.ts';
import type { Mail } from '../../mail/mail.ts';
import type { AssertionIssuer } from '../../oauth/assertion-issuer.ts';
import type { AuthorizationRights } from '../../oauth/authorization-rights.ts';
import type { Catalogue } from '../../policy/vocabulary.ts';
import type { EventPush } from '../../security-events/push.ts';
import type { UpstreamProvider } from '../../sign-in/upstream-provider.ts';
import type { Stores } from '../../stores.ts';
import type { Caller } from './caller.ts';
import { requireFreshSignIn } from './fresh-sign-in.ts';
import { requireOpen } from './over-token.ts';
import { type Problem, Refusal, refusal } from './problem.ts';

/** Requests that are served do not lose one race after another. */
const mostLostRaces = 2;

/** What operations work on. */
export interface AdminDeps extends Stores {
  readonly issuer: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly catalogue: Catalogue;
  readonly passwords: Passwords;
  readonly invitations: Invitations;
  readonly mail: Pick<Mail, 'available' | 'fileOf'>;
  readonly rights: AuthorizationRights;
  readonly doctor: Doctor;
  readonly eventPush: Pick<EventPush, 'verify'>;
  readonly upstreamProviders?: readonly UpstreamProvider[];
  readonly assertionIssuers?: readonly AssertionIssuer[];
}

export type Outcome<Answer> =
  | { readonly kind: 'done'; readonly answer: Answer }
  | { readonly kind: 'refused'; readonly problem: Problem };

/** An operation's input before it is checked. */
export interface RawInput {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  /** The version that the caller saw (`If-Match`). */
  readonly version?: number | undefined;
}

export interface OperationFacts {
  /** `operationId` of the description. */
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** Below `/api/v1`, as OpenAPI writes it: `/users/{user_id}`. */
  readonly path: string;
  /** The caller holds at least one of these; an empty list lets every signed-in person in. */
  readonly anyOf: readonly ManagementPermission[];
  /** 200 unless it says otherwise. */
  readonly status?: 201 | 204;
  /** The request must name the version that it changes. */
  readonly versioned?: boolean;
}

export interface Operation<Answer = unknown> extends OperationFacts {
  readonly query: z.ZodObject | undefined;
  readonly body: z.ZodObject | undefined;
  readonly answer: z.ZodType | undefined;
  /** Checks who asks and what is asked, and does it. */
  perform(deps: AdminDeps, caller: Caller, input: RawInput): Promise<Outcome<Answer>>;
}

const nothing = z.strictObject({});

/**
 * Defines an operation.
 * @param definition.handle throws `Refusal` for what cannot be done; `version` is there when the operation is versioned
 */
export function operation<
  Answer extends z.ZodType = z.ZodVoid,
  Query extends z.ZodObject = typeof nothing,
  Body extends z.ZodObject = typeof nothing,
>(
  definition: OperationFacts & {
    readonly query?: Query;
    readonly body?: Body;
    readonly answer?: Answer;
    handle(
      deps: AdminDeps,
      request: {
        readonly caller: Caller;
        readonly params: Readonly<Record<string, string>>;
        readonly query: z.output<Query>;
        readonly body: z.output<Body>;
        readonly version: number;
      },
    ): Promise<z.output<Answer>>;
  },
): Operation<z.output<Answer>> {
  const { handle, query, body, answer, ...facts } = definition;
  return {
    ...facts,
    query,
    body,
    answer,
    async perform(deps, caller, input) {
      try {
        requirePermission(caller, facts.anyOf);
        requireOpen(facts, caller);
        requireFreshSignIn(facts.id, caller, input, deps.clock.now());
        if (facts.versioned && input.version === undefined) throw refusal('version_missing');
        const asked = {
          caller,
          params: input.params ?? {},
          query: checked(query ?? nothing, input.query ?? {}, '/query') as z.output<Query>,
          body: checked(body ?? nothing, input.body ?? {}, '') as z.output<Body>,
          version: input.version ?? 0,
        };
        return { kind: 'done', answer: await outOfRaces(() => handle(deps, asked)) };
      } catch (error) {
        if (error instanceof Refusal) return { kind: 'refused', problem: error.problem };
        throw error;
      }
    },
  };
}

/** Does again what was undone because of somebody else: it meets what they wrote, and is refused for that if need be. */
async function outOfRaces<T>(work: () => Promise<T>): Promise<T> {
  for (let lost = 0; ; lost += 1) {
    try {
      return await work();
    } catch (error) {
      if (lost === mostLostRaces || !isLostRace(error)) throw error;
    }
  }
}

/** Lets a caller through who holds one of the permissions. @throws Refusal naming the first of them */
export function requirePermission(caller: Caller, anyOf: readonly ManagementPermission[]): void {
  if (anyOf.length === 0 || anyOf.some((name) => caller.permissions.has(name))) return;
  throw refusal('permission_missing', { permission: anyOf[0] ?? '' });
}

function checked(schema: z.ZodObject, given: unknown, at: string): unknown {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const members = parsed.error.issues.map(({ path, message }) => ({
    pointer: `${at}/${path.join('/')}`,
    detail: message,
  }));
  throw new Refusal({ code: 'invalid', params: {}, members });
}
