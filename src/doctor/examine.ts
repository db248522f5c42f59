/**
 * The connection doctor: does hop by hop what an assistant does that was given one address, and says which tool stumbles where.
 * Owns the order; each hop is a file of its own. Asks through what it is handed, so that the command line asks from where it runs.
 */
import { rehearse } from './dry-run.ts';
import { type Ask, type Check, checks, createReport, type Finding } from './finding.ts';
import { examineResource, knock } from './resource-hops.ts';
import { examineServer, findServerMetadata } from './server-hops.ts';

export interface Examination {
  /** What the address turned out to be. */
  readonly kind: 'resource' | 'issuer' | 'unknown';
  /** In the order of `checks`. */
  readonly findings: readonly Finding[];
  /** Whether a tool gets through; some may stumble all the same. */
  readonly healthy: boolean;
}

/**
 * Examines the address of an MCP server, an API or an issuer.
 * @param target an absolute http or https URL
 * @param options.register whether to register a client and rehearse an authorization request
 */
export async function examine(
  target: string,
  ask: Ask,
  options: { readonly register: boolean },
): Promise<Examination> {
  const made = new Map<Check, Finding>();
  const rank = { passed: 0, skipped: 1, warning: 2, failed: 3 } as const;
  // What several documents are asked is one finding: the worst.
  const report = createReport((finding) => {
    const before = made.get(finding.check);
    if (!before || rank[finding.outcome] > rank[before.outcome]) made.set(finding.check, finding);
  });

  const kind = await hop();
  const looked = checks.filter(
    (check) =>
      made.has(check) ||
      (kind !== 'unknown' &&
        (kind === 'resource' || !ofResources.has(check)) &&
        (options.register || !rehearsed.has(check))),
  );
  const findings = looked.map(
    (check): Finding => made.get(check) ?? { check, outcome: 'skipped', stumbles: [] },
  );
  return {
    kind,
    findings,
    healthy: findings.every(({ outcome }) => outcome !== 'failed'),
  };

  async function hop(): Promise<Examination['kind']> {
    const asIssuer = await findServerMetadata(target, ask);
    // A resource may live on its authorization server's host: only an issuer calls itself by this address.
    const named = asIssuer.metadata?.issuer;
    const { origin, pathname } = new URL(target);
    if (asIssuer.metadata && (pathname === '/' || named === target)) {
      report.passed('reachable');
      // At the root an issuer may end in a slash or not, and only it knows which.
      const spelled = pathname === '/' ? [origin, `${origin}/`].find((name) => name === named) : target;
      await server(spelled ?? origin, undefined, undefined);
      return 'issuer';
    }
    const first = await knock(target, ask);
    if (first.kind === 'silence') {
      report.failed('reachable', ['every client'], { asked: `POST ${target}`, found: first.reason });
      return 'unknown';
    }
    report.passed('reachable', { asked: `POST ${target}` });
    const known = await examineResource(target, first, ask, report);
    if (known) await server(known.issuer, known.resource, known.scopes);
    return 'resource';
  }

  async function server(
    issuer: string,
    resource: string | undefined,
    scopes: readonly string[] | undefined,
  ): Promise<void> {
    const known = await examineServer(issuer, scopes, ask, report);
    if (known && options.register) await rehearse(known, { resource, scopes }, ask, report);
  }
}

const ofResources: ReadonlySet<Check> = new Set([
  'challenge',
  'challenge_metadata',
  'resource_metadata',
  'resource_equal',
  'resource_servers',
]);

const rehearsed: ReadonlySet<Check> = new Set(['register', 'authorize']);
