/** Reads the controls of an authorization when they come back. Believes nothing in them. */
import type { Form } from '../http/read-form.ts';
import { parseConsentForm } from '../interaction/consent-form.ts';
import type { Lifetime } from '../interaction/consent-lifetime.ts';
import type { Slice } from '../policy/key-decision.ts';
import { offeredHolds } from './additions-page.ts';

export interface PostedChoice {
  readonly slice: Slice;
  /** `keep`: the end stays what it is. */
  readonly lifetime: Lifetime | 'keep';
  /** What the capabilities that need approval are for. */
  readonly justification: string;
  /** For how many seconds what is added holds; null: until it is changed. */
  readonly holdSeconds: number | null;
  /** Part of the name of a project that is looked for; the form is wanted again, and nothing else. */
  readonly find?: string;
}

const mostRoles = 500;

/** Reads a posted choice. Pure and total. @returns undefined for what no form of ours can have sent */
export function readChoice(form: Form): PostedChoice | undefined {
  const keep = form.get('lifetime')?.[0] === 'keep';
  const fields = Object.fromEntries([...form].filter(([name]) => name !== '__proto__'));
  const parsed = parseConsentForm({
    ...fields,
    ...(keep && { lifetime: 'until_revoked' }),
    decision: 'authorize',
    seen_account: 'seen',
  });
  const roles = [...new Set(form.get('role') ?? [])];
  const hold = form.get('hold')?.[0] ?? 'for_good';
  const holdSeconds = hold === 'for_good' ? null : offeredHolds.find((seconds) => String(seconds) === hold);
  if (parsed.kind === 'invalid' || roles.length > mostRoles || holdSeconds === undefined) return undefined;
  const { capabilities, projects, mcpServers, lifetimeSeconds, justification } = parsed;
  const finds = form.get('decision')?.[0] === 'find';
  return {
    slice: {
      capabilities,
      roles,
      // One entry of a role menu may stand for several roles.
      projects: projects.map((project) => ({
        id: project.id,
        roles: [...new Set(project.roles.flatMap((value) => value.split(' ')))],
      })),
      mcpServers,
    },
    lifetime: keep ? 'keep' : lifetimeSeconds,
    justification,
    holdSeconds,
    ...(finds && { find: parsed.projectSearch }),
  };
}
