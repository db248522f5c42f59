/** `why` at the API. */
import { z } from 'zod';
import type { AdministrationApi } from './administration-api.ts';
import { NotUnderstood } from './administration-options.ts';
import { type Answer, done } from './answer.ts';
import type { References } from './references.ts';
import { ruleSentence } from './why.ts';

const whySchema = z.object({ allowed: z.boolean(), rule: z.string() }).loose();

/** Asks whether an authorization may do something now, and which rule decides. @throws ApiRefusal, NotUnderstood */
export async function explainAt(
  api: AdministrationApi,
  references: References,
  asked: { authorization: string; capability: string; place: string | undefined },
): Promise<Answer> {
  const { authorization: id, capability } = asked;
  const on = asked.place === undefined ? undefined : await placeOf(references, asked.place);
  const path = `/authorizations/${encodeURIComponent(id)}/why`;
  const { document } = await api.call('get', path, { query: { capability, on } });
  const { allowed, rule } = whySchema.parse(document);
  const where = asked.place === undefined ? '' : ` on ${asked.place}`;
  return done(
    { ...whySchema.parse(document), capability, on: on ?? null },
    `${allowed ? 'yes' : 'no'}: ${id} ${allowed ? 'may' : 'may not'} ${capability}${where}: ${ruleSentence(rule)} (${rule})`,
  );
}

async function placeOf(references: References, name: string): Promise<string> {
  try {
    return await references.idOf({ kind: 'project', name });
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    return references.idOf({ kind: 'mcp-server', name });
  }
}
