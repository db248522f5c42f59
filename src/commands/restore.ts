/** `restore` and `restored`: a backup is put back, and nothing that was ended since comes back to life. */
import { copyFileSync, existsSync, linkSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { migrate } from '../../db/migrate.ts';
import { openDatabase, type Store } from '../../db/open.ts';
import { holdClosed, lookAtBackup } from '../../db/sqlite-files.ts';
import { carryEnds, type EndsCarried } from '../carry-ends.ts';
import { createChangeLog } from '../changes/change-log.ts';
import { systemClock } from '../clock.ts';
import type { Config } from '../config.ts';
import { afterRestore, type Restoration } from '../restoration.ts';
import { type Answer, done, refused, usage } from './answer.ts';
import { sync } from './backup.ts';
import type { Terminal } from './terminal.ts';

const review =
  'people sign in again and connect their tools again; `mandate authorizations resume --restored --dry-run` lists what waits for your word, and without --dry-run gives it back';

/** `restored`: says that the configured database was put back, by whatever means. */
export async function markRestored(
  config: Config,
  terminal: Terminal,
  options: { yes?: boolean; json?: boolean },
): Promise<Answer> {
  const question =
    'End every session and token of this database, and suspend every API key and service account client?';
  if (!(await confirmed(terminal, question, options))) return notConfirmed(terminal, options);
  const store = await openDatabase(config.databaseUrl);
  try {
    await migrate(store);
    const restoration = await finish(store);
    return done(documentOf(restoration), `${textOf(restoration)}\n${review}`);
  } finally {
    await store.close();
  }
}

/** `restore`: puts a backup of an SQLite database in the place of the configured one, which stays beside it. */
export async function restoreBackup(
  config: Config,
  terminal: Terminal,
  file: string,
  options: { yes?: boolean; json?: boolean },
): Promise<Answer> {
  if (!config.databaseUrl.startsWith('sqlite:')) {
    return refused(
      'PostgreSQL brings its own tool: stop every node, run `pg_restore --clean --if-exists --dbname "$DATABASE_URL" FILE`, then `mandate restored`',
    );
  }
  const source = resolve(file);
  const target = resolve(config.databaseUrl.slice('sqlite:'.length));
  const problem = problemOf(source);
  if (problem !== undefined) return refused(problem);
  // From before the question on: whoever starts a server meanwhile would have it write to what is put aside.
  const letGo = existsSync(target) ? holdClosed(target) : () => {};
  if (!letGo) return refused(`${target} is in use: stop the server first`);
  try {
    const question = `Put ${source} in the place of ${target}?`;
    if (!(await confirmed(terminal, question, options))) return notConfirmed(terminal, options);
    return await putBack(source, target);
  } finally {
    letGo();
  }
}

/** Makes a backup safe to serve from, and puts it where the database is that nobody has open. */
async function putBack(source: string, target: string): Promise<Answer> {
  mkdirSync(dirname(target), { recursive: true });
  const incoming = `${target}.restoring`;
  removeDatabase(incoming);
  copyFileSync(source, incoming);
  // All of it before the file stands where a server would serve from it.
  const store = await openDatabase(`sqlite:${incoming}`);
  let restoration: Restoration;
  let carried: EndsCarried | undefined;
  try {
    await migrate(store);
    carried = existsSync(target) ? carryEnds(store, target) : undefined;
    restoration = await finish(store);
    store.sqlite?.writer.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    await store.close();
  }
  sync(incoming);
  const replaced = existsSync(target) ? setAside(target) : null;
  renameSync(incoming, target);
  sync(dirname(target));
  return done(
    { database: target, replaced, ...documentOf(restoration), ...(carried ? { ended_since: carried } : {}) },
    [
      `restored ${target}`,
      ...(replaced === null ? [] : [`what it replaced is ${replaced}`]),
      textOf(restoration),
      endsText(carried),
      review,
    ].join('\n'),
  );
}

const finish = (store: Store) =>
  afterRestore({ store, clock: systemClock, changes: createChangeLog({ clock: systemClock }) });

/** @returns why this file cannot be put back */
function problemOf(path: string): string | undefined {
  const state = lookAtBackup(path);
  switch (state.kind) {
    case 'backup':
      return undefined;
    case 'missing':
      return `there is no file ${path}`;
    case 'damaged':
      return `${path} is damaged: ${state.fault}`;
    case 'unmarked':
      return `${path} was not made by \`mandate backup\`: put it in place yourself and run \`mandate restored\``;
    case 'foreign':
      return `${path} is no backup of Mandate`;
  }
}

/** Keeps the replaced database under another name. @returns that name */
function setAside(target: string): string {
  const name = `${target}.replaced-${systemClock.now()}`;
  linkSync(target, name);
  // Only beside a database that could not be read; the new one must not be read with it.
  for (const ending of ['-wal', '-shm']) {
    if (existsSync(`${target}${ending}`)) renameSync(`${target}${ending}`, `${name}${ending}`);
  }
  return name;
}

function removeDatabase(path: string): void {
  for (const ending of ['', '-wal', '-shm']) rmSync(`${path}${ending}`, { force: true });
}

async function confirmed(
  terminal: Terminal,
  question: string,
  { yes, json }: { yes?: boolean; json?: boolean },
): Promise<boolean> {
  return yes === true || (terminal.interactive && !json && (await terminal.confirm(question)));
}

const notConfirmed = (terminal: Terminal, { json }: { json?: boolean }): Answer =>
  terminal.interactive && !json
    ? refused('nothing was changed')
    : usage('nobody is here to confirm: give --yes');

const documentOf = ({ apiKeysSuspended, machinesSuspended }: Restoration) => ({
  api_keys_suspended: apiKeysSuspended,
  service_account_clients_suspended: machinesSuspended,
});

const textOf = ({ apiKeysSuspended, machinesSuspended }: Restoration) =>
  `every session, code and token is ended; suspended ${apiKeysSuspended} API keys and ${machinesSuspended} clients of service accounts`;

function endsText(carried: EndsCarried | undefined): string {
  if (!carried) {
    return 'what was revoked, suspended or disabled since the backup is not known: look through people, clients and resource servers';
  }
  const { users, authorizations, clients, resourceServers, apiKeySecrets } = carried;
  return `ended since the backup, and ended here: ${users} people, ${authorizations} authorizations, ${apiKeySecrets} API key secrets, ${clients} clients, ${resourceServers} resource servers`;
}
