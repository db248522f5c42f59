/** What is asked of PostgreSQL, as it is asked. */
import type { PatientPool } from '../../db/patient-pool.ts';

/** Tells of every statement that goes through a pool, whether on a connection that was taken or on any. @param note is given its text */
export function watchStatements(pool: PatientPool, note: (text: string) => void): void {
  const noteOf = (statement: unknown) =>
    note(
      typeof statement === 'string' ? statement : String((statement as { text?: string } | undefined)?.text),
    );
  const query = pool.query.bind(pool);
  pool.query = (statement) => {
    noteOf(statement);
    return query(statement);
  };
  const watched = new WeakSet<object>();
  const connect = pool.connect.bind(pool);
  pool.connect = async () => {
    const connection = await connect();
    if (watched.has(connection)) return connection;
    watched.add(connection);
    const own = connection.query.bind(connection) as (...given: unknown[]) => unknown;
    return Object.assign(connection, {
      query: (...given: unknown[]) => {
        noteOf(given[0]);
        return own(...given);
      },
    });
  };
}
