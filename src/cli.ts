#!/usr/bin/env node
/** The command line: `mandate --help`. */
import { enableCompileCache } from 'node:module';

// A second start finds its modules compiled: it is faster, and the compiler is never loaded.
enableCompileCache();

const [{ runCommandLine }, { readEnvironment }] = await Promise.all([
  import('./commands/program.ts'),
  import('./config.ts'),
]);
process.exitCode = await runCommandLine(process.argv.slice(2), process, readEnvironment);
