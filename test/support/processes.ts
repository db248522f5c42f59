/** Processes of the machine, as `/proc` tells of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Processes whose parent is this one. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => {
      try {
        const stat = readFileSync(`/proc/${candidate}/stat`, 'utf8');
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return Number(parent) === pid && state !== 'Z';
      } catch {
        return false;
      }
    });
}

/** Waits for something that can only be looked at. @throws Error when it does not come to be within 50 seconds */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 50_000; !condition(); await sleep(50)) {
    if (Date.now() > end) throw new Error(`it never came to be that ${what}`);
  }
}
