#!/usr/bin/env node
/** The command line: `mandate --help`. */
import { enableCompileCache } from 'node:module';

// A second start finds its modules compiled: it is faster, and the compiler is never loaded.
enableCompileCache();

const { runCommandLine } = await import('./commands/program.ts');
process.exitCode = await runCommandLine(process.argv.slice(2), process);
