/** R9, FT-01: the disk is full for a while. Nothing is half issued, introspection goes on, and it heals by itself. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import Sqlite from 'better-sqlite3';
import { pause, record, sized } from '../support/fault-figures.ts';
import { demo } from '../support/mandate.ts';
import { basic } from '../support/race.ts';
import { startServerProcess } from '../support/server-process.ts';

const fullSeconds = sized(3, 60);
const folder = mkdtempSync(join(tmpdir(), 'mandate-full-'));
/** A small disk of its own takes the right to mount one. */
const mounted = (() => {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    rmSync(folder, { recursive: true });
    return false;
  }
})();

(mounted ? test : test.skip)(
  `FT-01: a disk that is full for ${fullSeconds} s (needs the right to mount)`,
  async () => {
    const path = join(folder, 'mandate.db');
    const node = await startServerProcess({ databaseUrl: `sqlite:${path}` });
    try {
      const issue = () =>
        node.send('/token', {
          headers: basic(demo.ci),
          body: new URLSearchParams({ grant_type: 'client_credentials', resource: demo.api }),
        });
      const tokenOf = ({ text }: { text: string }) =>
        (JSON.parse(text) as { access_token: string }).access_token;
      const isActive = async (token: string) =>
        (
          await node.send('/introspect', {
            headers: basic(demo.apiServer),
            body: new URLSearchParams({ token }),
          })
        ).text.includes('"active":true');
      const issued = [tokenOf(await issue())];
      const { bavail, bsize } = statfsSync(folder);
      writeFileSync(join(folder, 'filler'), Buffer.alloc(Math.max(0, bavail * bsize - 4_096)));

      const statuses = new Map<number, number>();
      let wrong = 0;
      for (const start = performance.now(); performance.now() - start < fullSeconds * 1_000; ) {
        const answer = await issue();
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        if (answer.status === 200) issued.push(tokenOf(answer));
        else if (answer.status !== 503) wrong += 1;
        if (!(await isActive(issued.at(-1) ?? ''))) wrong += 1;
        await pause(20);
      }
      rmSync(join(folder, 'filler'));
      const healed = performance.now();
      while ((await issue()).status !== 200 && performance.now() - healed < 10_000) await pause(20);
      const recovery = performance.now() - healed;
      issued.push('');
      for (const token of issued.slice(0, -1)) if (!(await isActive(token))) wrong += 1;
      const file = new Sqlite(path, { readonly: true });
      const sound = file.pragma('integrity_check', { simple: true });
      file.close();
      record({
        id: 'R9',
        scenario: `disk of 8 MB full for ${fullSeconds} s`,
        target: '503 for writes, introspection right, 0 half issued, heals by itself',
        measured: `${wrong} wrong; writes: ${[...statuses].map(([status, n]) => `${n} × ${status}`).join(', ')}; writes again after ${(recovery / 1_000).toFixed(2)} s; integrity ${String(sound)}`,
        engine: 'SQLite on tmpfs',
      });
      expect(statuses.get(503)).toBeGreaterThan(0);
      expect(wrong).toBe(0);
      expect(sound).toBe('ok');
      expect(recovery).toBeLessThan(5_000);
    } finally {
      await node.kill();
      execFileSync('umount', [folder]);
      rmSync(folder, { recursive: true });
    }
  },
  120_000,
);
