/** Somebody at a terminal, with a home of their own. The login is a process of its own; the commands after it run in this one. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CommandResult, runCommandHere } from './command-line.ts';
import { createBrowserlessClient } from './http.ts';
import { signInIfAsked } from './oauth-requests.ts';

const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

export interface CommandLine {
  /** Runs a command. */
  run(...args: string[]): Promise<CommandResult>;
  /** Runs a command that has to succeed. @returns its document */
  json<Document = Record<string, unknown>>(...args: string[]): Promise<Document>;
}

/** A terminal at which nobody is logged in. */
export async function newCommandLine(
  issuer: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<CommandLine> {
  const home = await mkdtemp(join(tmpdir(), 'mandate-home-'));
  const run = (...args: string[]) =>
    runCommandHere(args, { ISSUER: issuer, MANDATE_HOME: home, ...environment });
  return {
    run,
    async json<Document>(...args: string[]) {
      const { code, stdout, stderr } = await run(...args, '--json');
      if (code !== 0) throw new Error(`${args.join(' ')}: ${code} ${stderr}`);
      return JSON.parse(stdout) as Document;
    },
  };
}

/** The same after `login --scope mandate:admin`, ticked. @param environment settings beside the issuer and the home */
export async function administratorsCommandLine(
  issuer: string,
  email: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<CommandLine> {
  const home = await mkdtemp(join(tmpdir(), 'mandate-home-'));
  const child = spawn(process.execPath, [cli, 'login', '--scope', 'mandate:admin', '--no-browser'], {
    env: { PATH: process.env.PATH, ISSUER: issuer, MANDATE_HOME: home },
    cwd: tmpdir(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close') as Promise<[number | null]>;
  let told = '';
  const address = await new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      told += piece;
      const found = /^ {2}(https?:\S+user_code=\S+)$/m.exec(told);
      if (found?.[1]) resolve(found[1]);
    });
    void ended.then(() => reject(new Error(told)));
  });
  const browser = createBrowserlessClient(issuer);
  const comparison = await browser.submit(await browser.get(address), 'Continue');
  const asked = await browser.submit(comparison, 'Continue', {}, { follow: true });
  const consent = await signInIfAsked(browser, asked, email);
  await browser.submit(consent, 'Authorize', { 'mandate:admin': true }, { follow: true });
  const [code] = await ended;
  if (code !== 0) throw new Error(`login ended with ${code}: ${told}`);
  return newCommandLine(issuer, { ...environment, MANDATE_HOME: home });
}
