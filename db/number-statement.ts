/**
 * A statement that reads one number, as `pg` takes statements of others' making (`client.query(submittable)`, as its cursors are). Owns what
 * goes over the wire and what may come back; does not own the connection (`number-reader.ts`).
 *
 * It is the same few bytes every time: Bind, Execute and Sync of what was prepared on the connection before, and one row with one
 * number in return. Nothing is described, since what the row looks like is known.
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY
 */
import type { Submittable } from 'pg';

/** What `pg` calls of a statement. */
export interface NumberStatement extends Submittable {
  handleDataRow(row: { readonly fields: readonly (string | null)[] }): void;
  handleCommandComplete(): void;
  handleReadyForQuery(): void;
  handleError(error: Error): void;
  handleRowDescription(): void;
  handlePortalSuspended(): void;
  handleEmptyQuery(): void;
  handleCopyInResponse(): void;
  handleCopyData(): void;
}

const message = (code: string, ...fields: Buffer[]) => {
  const body = Buffer.concat(fields);
  const head = Buffer.alloc(5, code, 'latin1');
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
};
const text = (value: string) => Buffer.from(`${value}\0`, 'latin1');

const questionOf = (name: string) =>
  Buffer.concat([
    // Portal, statement; no formats of parameters, no parameters, no formats of results: all is text.
    message('B', text(''), text(name), Buffer.alloc(6)),
    // Portal; all rows.
    message('E', text(''), Buffer.alloc(4)),
    message('S'),
  ]);

/**
 * Creates the statement for one connection, to be submitted as often as wanted, once at a time.
 * @param name of what is prepared on it
 * @param ended told the number, or why it was not read; a connection on which reading failed is in no known state. It may be told of a
 *   failure when nothing was submitted
 */
export function createNumberStatement(
  name: string,
  ended: (failure: unknown, n: number) => void,
): NumberStatement {
  const question = questionOf(name);
  let rows: (readonly unknown[])[] = [];
  const fail = (failure: unknown) => ended(failure, Number.NaN);
  const unexpected = () => fail(new Error('PostgreSQL answered a question that was not asked'));
  return {
    submit({ stream }) {
      rows = [];
      // When it is not, the end of the connection is told of in a moment.
      if (stream.writable) stream.write(question);
    },
    handleDataRow({ fields }) {
      rows.push(fields);
    },
    handleCommandComplete() {},
    handleReadyForQuery() {
      let n: number;
      try {
        n = exactNumber(name, rows);
      } catch (failure) {
        fail(failure);
        return;
      }
      ended(undefined, n);
    },
    handleError: fail,
    handleRowDescription: unexpected,
    handlePortalSuspended: unexpected,
    handleEmptyQuery: unexpected,
    handleCopyInResponse: unexpected,
    handleCopyData: unexpected,
  };
}

/** Reads the number out of the rows that were selected. Pure. @throws Error unless there is one, with nothing beside it, and it is exact */
export function exactNumber(name: string, rows: readonly (readonly unknown[])[]): number {
  const row = rows[0];
  const value = row?.[0];
  const alone = rows.length === 1 && row?.length === 1 && value !== null && value !== '';
  const n = alone ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(n)) return n;
  throw new Error(rows.length === 0 ? `${name} is missing` : `${name} is no exact number`);
}
