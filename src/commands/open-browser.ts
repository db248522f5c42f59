import { spawn } from 'node:child_process';

/** The program that shows an address to whoever sits here, by platform; its last argument is the address. */
const openers: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  linux: ['xdg-open'],
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

/**
 * Opens an address in a browser, if there is one. That there is none is no failure: the address is on the terminal too.
 * @param address an http or https URL
 */
export function openBrowser(address: string): void {
  const opener = openers[process.platform];
  if (!opener) return;
  const [program, ...before] = opener;
  const child = spawn(program, [...before, new URL(address).href], { stdio: 'ignore', detached: true });
  child.once('error', () => {});
  child.unref();
}
