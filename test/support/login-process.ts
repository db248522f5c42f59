/** A login at a terminal, as a process of its own, and the person at a browser who decides on it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { type BrowserlessClient, createBrowserlessClient, type Page } from './http.ts';
import { signInIfAsked } from './oauth-requests.ts';

/** Everything that a program wrote so far, and how it ends. */
export function follow(
  program: string,
  args: readonly string[],
  environment: Record<string, string>,
  cwd: string,
) {
  const child = spawn(program, args, {
    env: { PATH: process.env.PATH, ...environment },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stdout = text(child.stdout);
  const told: string[] = [];
  const ended = once(child, 'close') as Promise<[number | null]>;
  child.stderr.setEncoding('utf8').on('data', (piece: string) => void told.push(piece));
  return {
    /** The address that it asks somebody to open. */
    async address(): Promise<string> {
      for (let tries = 0; tries < 400; tries += 1) {
        const found = /^ {2}(https?:\S+user_code=\S+)$/m.exec(told.join(''));
        if (found?.[1]) return found[1];
        await new Promise((resume) => setTimeout(resume, 50));
      }
      throw new Error(`no address was shown: ${told.join('')}`);
    },
    async result() {
      const [code] = await ended;
      return { code: code ?? -1, stdout: await stdout, stderr: told.join('') };
    },
  };
}

/** Opens the address, compares the code and signs in. */
export async function openConsent(
  address: string,
  email?: string,
): Promise<{ browser: BrowserlessClient; page: Page }> {
  const browser = createBrowserlessClient(new URL(address).origin);
  const comparison = await browser.submit(await browser.get(address), 'Continue');
  const page = await browser.submit(comparison, 'Continue', {}, { follow: true });
  return { browser, page: await signInIfAsked(browser, page, email) };
}
