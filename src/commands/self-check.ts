/** `doctor`: whether this installation could serve, looked at from its own machine: settings, database, keys, clock, issuer. */
import { existsSync } from 'node:fs';
import { pendingMigrations } from '../../db/migrate.ts';
import { openDatabase, type Store, serverPatienceMilliseconds } from '../../db/open.ts';
import { secondsOfHttpDate, systemClock } from '../clock.ts';
import type { Config } from '../config.ts';
import { createAskFromHere } from '../doctor/ask-from-here.ts';
import { examine } from '../doctor/examine.ts';
import { createSecrets } from '../secrets.ts';
import { type Answer, done, unwell } from './answer.ts';
import { reported } from './doctor.ts';
import { lookAtFiles } from './look-at-files.ts';
import type { Terminal } from './terminal.ts';

interface Look {
  readonly what:
    | 'settings'
    | 'sign-in providers'
    | 'assertion issuers'
    | 'database'
    | 'schema'
    | 'signing keys'
    | 'clock';
  readonly well: boolean;
  readonly detail: string;
}

/** More than this, and tokens are seen to end early or late by people who compare clocks. */
const mostSecondsApart = 5;

/** Looks at the installation that the settings describe, changing nothing. */
export async function checkInstallation(config: Config, terminal: Terminal): Promise<Answer> {
  const looks: Look[] = [
    {
      what: 'settings',
      well: true,
      detail: `${config.issuer}, ${config.production ? 'production' : 'development'}`,
    },
    ...(await lookAtFiles(config)),
    ...(await lookAtDatabase(config)),
    await lookAtClock(config.issuer),
  ];
  const stopSpinning = terminal.spin(`Asking ${config.issuer}`);
  const outside = reported(
    await examine(config.issuer, createAskFromHere(), { register: false }).finally(stopSpinning),
  );
  const lines = looks.map(({ what, well, detail }) => `${well ? 'ok  ' : 'FAIL'}  ${what}: ${detail}`);
  const well = looks.every((look) => look.well) && outside.outcome === 'done';
  return (well ? done : unwell)(
    { installation: looks, issuer: outside.document },
    [...lines, `as a tool sees ${config.issuer}:`, outside.text].join('\n'),
  );
}

async function lookAtDatabase(config: Config): Promise<Look[]> {
  const { databaseUrl } = config;
  const file = databaseUrl.startsWith('sqlite:') ? databaseUrl.slice('sqlite:'.length) : undefined;
  if (file !== undefined && !existsSync(file)) {
    return [
      { what: 'database', well: false, detail: `there is no file ${file} yet: \`mandate start\` makes it` },
    ];
  }
  let store: Store;
  try {
    // What takes longer than a server waits is not well.
    store = await openDatabase(databaseUrl, { patienceMilliseconds: serverPatienceMilliseconds });
  } catch (error) {
    return [
      { what: 'database', well: false, detail: error instanceof Error ? error.message : String(error) },
    ];
  }
  try {
    const pending = await pendingMigrations(store);
    const database: Look = { what: 'database', well: true, detail: file ?? new URL(databaseUrl).host };
    if (pending.length > 0) {
      const detail = `${pending.length} migrations behind this version: run \`mandate migrate\``;
      return [database, { what: 'schema', well: false, detail }];
    }
    return [
      database,
      { what: 'schema', well: true, detail: 'of this version' },
      await lookAtKeys(store, config),
    ];
  } catch (error) {
    return [
      { what: 'database', well: false, detail: error instanceof Error ? error.message : String(error) },
    ];
  } finally {
    await store.close();
  }
}

async function lookAtKeys(store: Store, { secret, previousSecrets }: Config): Promise<Look> {
  const secrets = createSecrets(secret, previousSecrets);
  const rows = await store.db.selectFrom('signing_keys').select(['kid', 'encrypted_jwk']).execute();
  const opened = rows.filter(({ kid, encrypted_jwk }) => {
    try {
      return secrets.unseal(encrypted_jwk, { of: 'signing_keys.encrypted_jwk', id: kid }) !== '';
    } catch {
      return false;
    }
  });
  if (opened.length === rows.length) {
    const detail = rows.length === 0 ? 'none yet: the first start makes them' : `${rows.length}, readable`;
    return { what: 'signing keys', well: true, detail };
  }
  const detail = `${rows.length - opened.length} of ${rows.length} were made under another MANDATE_SECRET`;
  return { what: 'signing keys', well: false, detail };
}

/** Compares with the clock of whatever answers as the issuer. */
async function lookAtClock(issuer: string): Promise<Look> {
  const heard = await createAskFromHere()({ method: 'GET', url: `${issuer}/healthz` });
  const theirs = heard.kind === 'answer' ? secondsOfHttpDate(heard.headers.get('date') ?? '') : undefined;
  if (theirs === undefined) {
    return { what: 'clock', well: true, detail: 'nothing to compare with: the issuer does not answer' };
  }
  const apart = Math.abs(theirs - systemClock.now());
  return {
    what: 'clock',
    well: apart <= mostSecondsApart,
    detail: `${apart} s apart from the issuer's`,
  };
}
