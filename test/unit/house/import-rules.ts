/**
 * The rules of the house, as data: which way imports go, and which one place may touch what.
 * Every row carries a tree that breaks it and one that keeps it.
 */
import type { ImportsOnly, Rule } from './rule-kinds.ts';

const program = ['src/**', 'db/**'];
const programAndExamples = [...program, 'examples/**'];
/** Where the program is started and spoken to by a person at a terminal. */
const entryPoints = ['src/server.ts', 'src/cli.ts', 'src/cli/**', 'src/commands/**'];

/** Small modules that every concept may use, and that import nothing of ours themselves. */
const foundations = [
  'src/policy/**',
  'src/clock.ts',
  'src/ids.ts',
  'src/secrets.ts',
  'db/schema.ts',
  'db/compile-once.ts',
];
const pureLibraries = [
  'package:kysely',
  'package:zod',
  'package:yaml',
  'package:jose',
  'package:@node-rs/argon2',
];

const domainRules = ['directory', 'authorizations', 'clients', 'changes', 'policies'].map(
  (domain): ImportsOnly => ({
    kind: 'imports only',
    sentence: `src/${domain} imports its own folder, the policy, the clock, the schema and pure libraries, never Koa, oidc-provider or another domain`,
    files: [`src/${domain}/**`],
    may: [`src/${domain}/**`, ...foundations, ...pureLibraries, 'node:**'],
    mayAsType: ['src/changes/change-log.ts', 'db/open.ts'],
    broken: {
      [`src/${domain}/a.ts`]: "import type { B } from '../elsewhere/b.ts';",
      [`src/${domain}/c.ts`]: "import Koa from 'koa';",
      [`src/${domain}/d.ts`]: "const { open } = await import('../../db/open.ts');",
    },
    kept: {
      [`src/${domain}/a.ts`]:
        "import { b } from './b.ts';\nimport { sql } from 'kysely';\nimport { newId } from '../ids.ts';",
      [`src/${domain}/c.ts`]: "import type { ChangeLog } from '../changes/change-log.ts';",
    },
  }),
);

export const rules: readonly Rule[] = [
  {
    kind: 'imports only',
    sentence: 'src/policy imports nothing but itself',
    files: ['src/policy/**'],
    may: ['src/policy/**'],
    broken: { 'src/policy/a.ts': "import { randomBytes } from 'node:crypto';" },
    kept: { 'src/policy/a.ts': "import type { Live } from './vocabulary.ts';" },
  },
  {
    kind: 'imports only',
    sentence: 'src/clock.ts imports nothing',
    files: ['src/clock.ts'],
    may: [],
    broken: { 'src/clock.ts': "import { z } from 'zod';" },
    kept: { 'src/clock.ts': 'export const start = 0;' },
  },
  {
    kind: 'imports only',
    sentence: 'src/config.ts, ids.ts, keyed-hash.ts and secrets.ts import nothing of ours but keyed-hash.ts',
    files: ['src/config.ts', 'src/ids.ts', 'src/keyed-hash.ts', 'src/secrets.ts'],
    may: ['src/keyed-hash.ts', 'package:**', 'node:**'],
    broken: { 'src/config.ts': "import type { Clock } from './clock.ts';" },
    kept: { 'src/config.ts': "import { z } from 'zod';" },
  },
  ...domainRules,
  {
    kind: 'imports only',
    sentence:
      'src/sign-in imports its own folder, the foundations and the libraries of its ceremonies, never Koa, oidc-provider or another domain',
    files: ['src/sign-in/**'],
    may: [
      'src/sign-in/**',
      ...foundations,
      ...pureLibraries,
      'package:@simplewebauthn/server',
      'package:otpauth',
      'package:openid-client',
      'node:**',
    ],
    mayAsType: ['src/changes/change-log.ts', 'db/open.ts'],
    broken: {
      'src/sign-in/a.ts': "import Koa from 'koa';",
      'src/sign-in/b.ts': "import type { User } from '../directory/user-store.ts';",
    },
    kept: { 'src/sign-in/a.ts': "import { TOTP } from 'otpauth';\nimport { b } from './b.ts';" },
  },
  {
    kind: 'imports only',
    sentence:
      'src/operations counts, measures and logs: it imports its own folder, the clock and the schema, and none of what it watches',
    files: ['src/operations/**'],
    may: [
      'src/operations/**',
      'src/clock.ts',
      'db/schema.ts',
      'package:kysely',
      'package:pino',
      'package:@prometheus-io/client',
      'node:**',
    ],
    mayAsType: ['db/open.ts', 'src/config.ts'],
    broken: {
      'src/operations/a.ts': "import type { Provider } from 'oidc-provider';",
      'src/operations/b.ts': "import { createSignIn } from '../interaction/sign-in.ts';",
    },
    kept: {
      'src/operations/a.ts': "import { sql } from 'kysely';\nimport type { Store } from '../../db/open.ts';",
    },
  },
  {
    kind: 'imported only by',
    sentence: 'the library of the metrics is known to one file, which is loaded when they are read',
    modules: ['package:@prometheus-io/client'],
    within: programAndExamples,
    by: ['src/operations/metrics.ts'],
    broken: { 'src/introspection/a.ts': "import { Counter } from '@prometheus-io/client';" },
    kept: { 'src/operations/metrics.ts': "import { Registry } from '@prometheus-io/client';" },
  },
  {
    kind: 'imports only',
    sentence: 'src/resource-server imports nothing of ours and no package',
    files: ['src/resource-server/**'],
    may: ['src/resource-server/**', 'node:**'],
    broken: { 'src/resource-server/a.ts': "import type Koa from 'koa';\nimport { b } from '../clock.ts';" },
    kept: {
      'src/resource-server/a.ts': "import { createHash } from 'node:crypto';\nexport * from './b.ts';",
    },
  },
  {
    kind: 'imports only',
    sentence: 'the examples know Mandate through src/resource-server alone',
    files: ['examples/**'],
    may: ['examples/**', 'src/resource-server/**', 'package:**', 'node:**'],
    broken: { 'examples/a/b.ts': "import { readConfig } from '../../src/config.ts';" },
    kept: { 'examples/a/b.ts': "import { introspect } from '../../src/resource-server/index.ts';" },
  },
  {
    kind: 'imports only',
    sentence:
      'flow and conformance tests reach the program through test/support and the example platform alone',
    files: ['test/flow/**', 'test/conformance/**'],
    may: ['test/flow/**', 'test/conformance/**', 'test/support/**', 'examples/**', 'package:**', 'node:**'],
    broken: { 'test/flow/a.test.ts': "import { createApp } from '../../src/app.ts';" },
    kept: { 'test/flow/a.test.ts': "import { startMandate } from '../support/mandate.ts';" },
  },
  {
    kind: 'imported only by',
    sentence: 'only the entry points import src/app.ts',
    modules: ['src/app.ts'],
    within: programAndExamples,
    by: entryPoints,
    broken: { 'src/admin/a.ts': "import { createApp } from '../app.ts';" },
    kept: { 'src/server.ts': "import { createApp } from './app.ts';" },
  },
  {
    kind: 'imported only by',
    sentence: 'nobody imports src/cli.ts',
    modules: ['src/cli.ts'],
    within: programAndExamples,
    by: [],
    broken: { 'src/server.ts': "import './cli.ts';" },
    kept: { 'src/cli.ts': "import './app.ts';" },
  },
  {
    kind: 'imported only by',
    sentence: 'only the command line imports its commands',
    modules: ['src/cli/**', 'src/commands/**'],
    within: programAndExamples,
    by: entryPoints,
    broken: { 'src/admin/a.ts': "import { migrate } from '../commands/migrate.ts';" },
    kept: { 'src/cli.ts': "import { migrate } from './commands/migrate.ts';" },
  },
  {
    kind: 'imported only by',
    sentence: 'oidc-provider is known to src/oauth, src/interaction and src/http/errors alone',
    modules: ['package:oidc-provider'],
    within: programAndExamples,
    by: ['src/oauth/**', 'src/interaction/**', 'src/http/errors.ts', 'src/http/errors/**'],
    broken: { 'src/account/a.ts': "import type { Provider } from 'oidc-provider';" },
    kept: { 'src/oauth/a.ts': "import Provider, { errors } from 'oidc-provider';" },
  },
  {
    kind: 'imported only by',
    sentence:
      'openid-client is known to one file, which loads it when somebody signs in through another provider',
    modules: ['package:openid-client'],
    within: program,
    by: ['src/sign-in/upstream-client.ts'],
    broken: { 'src/interaction/a.ts': "import * as client from 'openid-client';" },
    kept: { 'src/sign-in/upstream-client.ts': "const { discovery } = await import('openid-client');" },
  },
  {
    kind: 'imported only by',
    sentence: 'ejs is known to src/http alone',
    modules: ['package:ejs'],
    within: programAndExamples,
    by: ['src/http/**'],
    broken: { 'src/admin/a.ts': "import ejs from 'ejs';" },
    kept: { 'src/http/render.ts': "import ejs from 'ejs';" },
  },
  {
    kind: 'imported only by',
    sentence: 'better-sqlite3 and pg are known to db alone',
    modules: ['package:better-sqlite3', 'package:pg'],
    within: programAndExamples,
    by: ['db/**'],
    broken: { 'src/introspection/a.ts': "const { default: pg } = await import('pg');" },
    kept: { 'db/open.ts': "import pg from 'pg';" },
  },
  {
    kind: 'imported only by',
    sentence: 'the program and the examples never import tests',
    modules: ['test/**'],
    within: programAndExamples,
    by: [],
    broken: { 'src/a.ts': "export { movableClock } from '../test/support/clock.ts';" },
    kept: { 'test/unit/a.test.ts': "import { movableClock } from '../support/clock.ts';" },
  },
  {
    kind: 'imported only by',
    sentence: 'the program reaches the examples by a dynamic import of its entry points alone',
    modules: ['examples/**', '(computed)'],
    within: program,
    by: [],
    dynamicallyBy: entryPoints,
    broken: {
      'src/server.ts': "import { startPlatform } from '../examples/platform/platform.ts';",
      'src/admin/a.ts': "await import('../../examples/platform/platform.ts');",
    },
    kept: { 'src/server.ts': "await import('../examples/platform/platform.ts');" },
  },
  {
    kind: 'used only in',
    sentence: 'only src/config.ts reads the environment',
    words:
      /\bprocess\s*\??\.\s*env\b|\bprocess\s*(?:\?\.)?\[|\{[^{}]*\benv\b[^{}]*\}\s*(?:=\s*process\b|from\s*['"])/g,
    within: program,
    only: ['src/config.ts'],
    broken: {
      'src/a.ts': 'export const home = process.env.HOME;',
      'src/b.ts': 'const { argv, env } = process;',
      'src/c.ts': "import { env } from 'node:process';",
    },
    kept: {
      'src/config.ts': 'export const { env } = process;',
      'src/a.ts': '// process.env is not for us\nprocess.argv;',
    },
  },
  {
    kind: 'used only in',
    sentence: 'only src/clock.ts reads the time, and in the kit, which stands alone, one file of its own',
    words:
      /(?<![.\w$])Date\b(?!\s*\??:)|\bperformance\s*\.\s*now\b|\bprocess\s*\.\s*hrtime\b|\bglobalThis\s*\.\s*Date\b/g,
    within: program,
    only: ['src/clock.ts', 'src/resource-server/monotonic.ts'],
    broken: {
      'src/a.ts': 'export const now = () => Date.now();',
      'src/b.ts': 'export const year = new Date().getFullYear();',
      'db/a.ts': 'const started = performance.now();',
    },
    kept: {
      'src/clock.ts': 'export const now = () => Date.now();',
      'src/a.ts': "export const format = new Intl.DateTimeFormat('en'); // Date\nconst header = 'Date';",
    },
  },
  {
    kind: 'imported only by',
    sentence: 'nobody imports a timer of the runtime to read the time',
    modules: ['node:perf_hooks'],
    within: program,
    by: ['src/clock.ts'],
    broken: { 'src/a.ts': "import { performance as p } from 'node:perf_hooks';" },
    kept: { 'src/clock.ts': "import { performance as p } from 'node:perf_hooks';" },
  },
  {
    kind: 'used only in',
    sentence: 'only the entry points write to the console',
    words: /(?<![.\w$])console\s*(?:\??\.|\[)/g,
    within: program,
    only: entryPoints,
    broken: { 'src/oauth/a.ts': "console.log('here');" },
    kept: { 'src/cli.ts': "console.log('here');", 'src/oauth/a.ts': "const text = 'console.log';" },
  },
  {
    kind: 'no longer than',
    sentence: 'no file has more than 400 lines without saying why in its head',
    lines: 400,
    unlessHeadSays: 'Longer than 400 lines because',
    broken: { 'src/a.ts': 'a;\n'.repeat(401) },
    kept: {
      'src/a.ts': 'a;\n'.repeat(400),
      'src/b.ts': `/** Longer than 400 lines because it is one table. */\n${'a;\n'.repeat(401)}`,
    },
  },
  {
    kind: 'no cycles',
    sentence: 'no file reaches itself through imports',
    broken: {
      'src/a.ts': "import { b } from './b/b.ts';",
      'src/b/b.ts': "import type { C } from './c.ts';",
      'src/b/c.ts': "export { a } from '../a.ts';",
    },
    kept: {
      'src/a.ts': "import { b } from './b/b.ts';\nimport { c } from './b/c.ts';",
      'src/b/b.ts': "import type { C } from './c.ts';",
      'src/b/c.ts': '',
    },
  },
];
