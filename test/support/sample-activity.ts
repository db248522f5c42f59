/** A month as an operator may find it: traffic that comes and goes, an outage, somebody who guesses. */
import type { Store } from '../../db/open.ts';

/** @param now integer seconds; the last hour and day are those of it */
export async function fillActivity(store: Store, now: number): Promise<void> {
  const rows = [
    { span: 3_600, length: 24, scale: 1 },
    { span: 86_400, length: 30, scale: 20 },
  ].flatMap(({ span, length, scale }) =>
    Array.from({ length }, (_, ago) => {
      const starts_at = (Math.floor(now / span) - ago) * span;
      const wave = (height: number) => Math.round(scale * height * (1.2 + Math.sin(ago / 3)));
      const row = (topic: string, outcome: string, party: string, n: number) => ({
        span,
        starts_at,
        topic,
        outcome,
        party,
        n,
      });
      return [
        row('introspection', 'active', 'acme-api', wave(900)),
        row('introspection', 'inactive', 'acme-api', wave(60)),
        row('introspection', 'active', 'acme-mcp', wave(300)),
        row('introspection', 'inactive', 'acme-mcp', wave(200)),
        row('introspection', 'refused_caller', '', ago === 5 ? scale * 40 : 0),
        row('introspection', 'unavailable', '', ago === 11 ? scale * 120 : 0),
        row('sign_in', 'signed_in', '', wave(6)),
        row('sign_in', 'wrong', '', ago === 3 ? scale * 20 : 1),
        row('sign_in', 'limited', '', ago === 3 ? scale * 8 : 0),
        row('token', 'authorization_code', '', wave(5)),
        row('token', 'refresh_token', '', wave(40)),
        row('token', 'client_credentials', '', wave(9)),
      ].filter(({ n }) => n > 0);
    }).flat(),
  );
  for (let from = 0; from < rows.length; from += 100) {
    await store.db
      .insertInto('activity')
      .values(rows.slice(from, from + 100))
      // A running server writes down what it counted whenever it likes.
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}
