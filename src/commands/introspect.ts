import { z } from 'zod';
import { type Answer, done, refused, usage } from './answer.ts';
import { discover, errorOf, postForm } from './authorization-server.ts';
import { harmless } from './harmless.ts';
import { issuerOf, type PersonWorkspace } from './person-workspace.ts';
import { shownInstant, table } from './table.ts';
import { readDetails } from './token-answer.ts';

export interface IntrospectOptions {
  readonly issuer?: string;
  readonly clientId?: string;
  readonly clientSecret?: string;
}

/** `introspect`: asks as a resource server what a token may do now. @param token `-` reads it from the standard input */
export async function introspectToken(
  workspace: PersonWorkspace,
  token: string,
  options: IntrospectOptions,
): Promise<Answer> {
  const { resourceServer } = workspace.config;
  const id = options.clientId ?? resourceServer.id;
  const secret = options.clientSecret ?? resourceServer.secret;
  if (!id || !secret) {
    return usage(
      'only a resource server may ask: give --client-id and --client-secret, or RESOURCE_SERVER_ID and RESOURCE_SERVER_SECRET',
    );
  }
  const issuer = issuerOf(workspace, options.issuer);
  if (typeof issuer !== 'string') return issuer;
  const asked = token === '-' ? (await workspace.terminal.readAll()).trim() : token;
  if (asked === '') return usage('there is no token on the standard input');
  const { introspection } = await discover(issuer);
  if (!introspection) return refused(`${issuer} offers no introspection`);
  const answer = await postForm(introspection, { token: asked }, { id, secret });
  if (answer.status === 401)
    return refused(`${issuer} does not know a resource server by the name ${harmless(id)} with this secret`);
  if (answer.status !== 200) return refused(`${issuer} did not answer: ${errorOf(answer)}`);
  return done(answer.body, describeIntrospection(answer.body));
}

const text = z.string().optional().catch(undefined);
const seconds = z.number().optional().catch(undefined);
const activeSchema = z.object({
  active: z.literal(true),
  username: text,
  sub: text,
  client_id: text,
  aud: z.union([z.string(), z.array(z.string())]).optional(),
  scope: text,
  authorization_id: text,
  exp: seconds,
  authorization_details: z.array(z.unknown()).default([]),
  withheld: z
    .array(z.object({ dimension: z.string(), identifier: z.string(), reason: z.string() }))
    .catch([])
    .default([]),
});

/** Writes an introspection's answer down for people. Pure. */
function describeIntrospection(body: Readonly<Record<string, unknown>>): string {
  const { data: active } = activeSchema.safeParse(body);
  if (!active) return 'inactive: not a token that lives, or none that this resource server guards';
  const facts = [
    ['owner', active.username ?? active.sub],
    ['tool', active.client_id],
    ['authorization', active.authorization_id],
    ['audience', active.aud === undefined ? undefined : [active.aud].flat().join(' ')],
    ['scope', active.scope || 'none'],
    ['expires', active.exp === undefined ? undefined : shownInstant(active.exp)],
  ].flatMap(([name = '', value]) => (value === undefined ? [] : [`${name.padEnd(13)} ${harmless(value)}`]));
  const places = readDetails(active.authorization_details).map(
    ({ identifier, slug, locations, roles, actions }) => [
      slug ?? locations[0] ?? identifier ?? '-',
      roles.join(' ') || '-',
      actions.join(' ') || '-',
    ],
  );
  const withheld = active.withheld.map(({ dimension, identifier, reason }) => [
    dimension,
    identifier,
    reason,
  ]);
  return [
    'active',
    ...facts,
    ...(places.length > 0 ? [table([['PLACE', 'ROLES', 'MAY'], ...places])] : []),
    ...(withheld.length > 0 ? [table([['WITHHELD', 'WHAT', 'WHY'], ...withheld])] : []),
  ].join('\n');
}
