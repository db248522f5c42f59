/**
 * Statements of the busiest paths, built and compiled once. Kysely builds a statement anew each time that it is run, which for an insert
 * costs more than SQLite's part of it. The statement is the same, on either engine; only its parameters are put in each time.
 */
import type { CompiledQuery, Kysely } from 'kysely';
import type { Database } from './schema.ts';

interface Compilable<Output> {
  compile(): CompiledQuery<Output>;
}

/** Marks what stands for a value in the statement that is compiled, with the value's name. */
const slot = Symbol('slot');

/**
 * Prepares to run one statement with ever other values.
 * @param build makes the statement of its values. It is called once, with what only stands for them: it may hand each of them on as a
 *   parameter, and do nothing else with it. A null is a value like any other.
 */
export function compileOnce<Values extends object, Output>(
  db: Kysely<Database>,
  build: (db: Kysely<Database>, values: Values) => Compilable<Output>,
): (values: Values) => CompiledQuery<Output> {
  const standIns = new Proxy({} as Values, { get: (_, name) => ({ [slot]: name }) });
  let compiled: CompiledQuery<Output> | undefined;
  return (values) => {
    compiled ??= build(db, standIns).compile();
    const parameters = compiled.parameters.map((parameter) =>
      isSlot(parameter) ? values[parameter[slot] as keyof Values] : parameter,
    );
    return { ...compiled, parameters };
  };
}

const isSlot = (parameter: unknown): parameter is { readonly [slot]: string } =>
  typeof parameter === 'object' && parameter !== null && slot in parameter;
