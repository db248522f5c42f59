#!/usr/bin/env node
/** The command line: `mandate --help`. */
import { runCommandLine } from './commands/program.ts';

process.exitCode = await runCommandLine(process.argv.slice(2), process);
