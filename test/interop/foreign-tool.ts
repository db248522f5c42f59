/** Runs a tool that is written in another language, and is the person whom it sends to the browser. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { createBrowserlessClient } from '../support/http.ts';
import type { TestMandate } from '../support/mandate.ts';
import { signInIfAsked } from '../support/oauth-requests.ts';

export interface ForeignTool {
  readonly command: string;
  readonly args: readonly string[];
  readonly folder: string;
  /** What the person ticks on the consent page, by label. */
  readonly answers: Readonly<Record<string, boolean>>;
}

/**
 * Runs a tool to its end. It prints `OPEN` with each address that it sends its person to, and `RESULT` with what it found out as JSON.
 * @throws Error with everything that it printed, when it fails
 */
export async function runForeignTool(
  mandate: TestMandate,
  tool: ForeignTool,
): Promise<Record<string, unknown>> {
  // Libraries wait real time between polls.
  const ticking = setInterval(() => mandate.clock.advance(1), 1_000);
  const child = spawn(tool.command, tool.args, { cwd: tool.folder });
  const printed: string[] = [];
  const persons: Promise<void>[] = [];
  let result: Record<string, unknown> | undefined;
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      printed.push(line);
      if (line.startsWith('OPEN ')) persons.push(visit(mandate, line.slice(5), tool.answers));
      if (line.startsWith('RESULT ')) result = JSON.parse(line.slice(7)) as Record<string, unknown>;
    });
  }
  try {
    const closed = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject).once('close', resolve);
    });
    const code = await closed;
    await Promise.all(persons);
    if (code === 0 && result) return result;
    throw new Error(`${tool.command} ended with ${code}:\n${printed.join('\n')}`);
  } finally {
    clearInterval(ticking);
    child.kill();
  }
}

/** Goes where a tool sends its person, as the editor: through the pages of the code flow or of the device flow. */
async function visit(
  mandate: TestMandate,
  address: string,
  answers: Readonly<Record<string, boolean>>,
): Promise<void> {
  const browser = createBrowserlessClient(mandate.issuer);
  let page = await browser.get(address, { follow: true });
  const byDevice = new URL(address).pathname === '/device';
  if (byDevice) {
    for (const _ of ['code', 'comparison'])
      page = await browser.submit(page, 'Continue', {}, { follow: true });
  }
  page = await signInIfAsked(browser, page);
  const left = await browser.submit(page, 'Authorize', byDevice ? {} : answers, { follow: true });
  if (!byDevice) await fetch(left.location ?? '');
}
