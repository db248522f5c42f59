/** The statements on artifacts that every token request runs, compiled once; while one secret is accepted they are all that it runs. */
import { compileOnce } from '../../db/compile-once.ts';
import type { Store } from '../../db/open.ts';
import type { OidcArtifactsTable } from '../../db/schema.ts';
import { createStatementCache } from '../../db/sqlite-handles.ts';

/** Prepares them for one model. */
export function createArtifactStatements({ db, sqlite }: Store, model: string) {
  // Primary key, each of them.
  const find = compileOnce(db, (query, { key }: { key: string }) =>
    query.selectFrom('oidc_artifacts').selectAll().where('model', '=', model).where('key', '=', key),
  );
  const prepared = sqlite && createStatementCache(sqlite.reader);
  return {
    /** @returns the row under a key, in a list */
    async find(key: string): Promise<OidcArtifactsTable[]> {
      const query = find({ key });
      if (!prepared) return (await db.executeQuery(query)).rows;
      return prepared(query.sql).all(...query.parameters) as OidcArtifactsTable[];
    },
    insertNew: compileOnce(db, (query, row: OidcArtifactsTable) =>
      query
        .insertInto('oidc_artifacts')
        .values(allColumns(row))
        .onConflict((conflict) => conflict.columns(['model', 'key']).doNothing()),
    ),
    /** Of what has neither a uid nor a user code, which an update would have to leave as they are. */
    save: compileOnce(db, (query, row: OidcArtifactsTable) => {
      const { grant_id, account_id, client_id, payload, expires_at } = row;
      return query
        .insertInto('oidc_artifacts')
        .values(allColumns(row))
        .onConflict((conflict) =>
          conflict
            .columns(['model', 'key'])
            .doUpdateSet({ grant_id, account_id, client_id, payload, expires_at }),
        );
    }),
    consume: compileOnce(db, (query, { key, now }: { key: string; now: number }) =>
      query
        .updateTable('oidc_artifacts')
        .set({ consumed_at: now })
        .where('model', '=', model)
        .where('key', '=', key)
        .where('consumed_at', 'is', null),
    ),
  };
}

/** Names every column, which a stand-in for a row does not do by itself. */
const allColumns = (row: OidcArtifactsTable): OidcArtifactsTable => ({
  model: row.model,
  key: row.key,
  grant_id: row.grant_id,
  account_id: row.account_id,
  client_id: row.client_id,
  uid: row.uid,
  user_code: row.user_code,
  payload: row.payload,
  consumed_at: row.consumed_at,
  expires_at: row.expires_at,
});
