/**
 * R2, FT-10: the order in which the system is told to keep a change and to send the answer that acknowledges it. A power cut after the
 * answer finds the change on the disk, as far as the disk tells the truth.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { freshDatabaseUrl } from '../support/databases.ts';
import { pause, record, sized } from '../support/fault-figures.ts';
import { demo } from '../support/mandate.ts';
import { basic } from '../support/race.ts';
import { startServerProcess } from '../support/server-process.ts';

const revocations = sized(20, 200);
/** Tracing another process needs the program and the right to. */
const traceable = (() => {
  try {
    execFileSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** Whether every thread of a process is. */
function isTraced(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every(
      (thread) => !/^TracerPid:\s+0$/m.test(readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8')),
    );
  } catch {
    // One of them ended since it was listed.
    return false;
  }
}

(traceable ? test : test.skip)(
  `FT-10: ${revocations} revocations are on the disk before they are acknowledged (needs strace)`,
  async () => {
    const database = await freshDatabaseUrl('sqlite');
    const node = await startServerProcess({ databaseUrl: database.url });
    const folder = mkdtempSync(join(tmpdir(), 'mandate-strace-'));
    const file = join(folder, 'calls');
    try {
      const tokens: string[] = [];
      for (let index = 0; index < revocations; index++) {
        const { text } = await node.send('/token', {
          headers: basic(demo.ci),
          body: new URLSearchParams({ grant_type: 'client_credentials', resource: demo.api }),
        });
        tokens.push((JSON.parse(text) as { access_token: string }).access_token);
      }
      const calls = 'trace=read,write,writev,sendto,recvfrom,fsync,fdatasync';
      const tracer = spawn(
        'strace',
        ['-f', '-y', '-s', '40', '-e', calls, '-o', file, '-p', String(node.pid)],
        {
          stdio: 'ignore',
        },
      );
      while (!existsSync(file) || !isTraced(node.pid)) await pause(20);
      await pause(500);
      for (const token of tokens) {
        const { status } = await node.send('/revoke', {
          headers: basic(demo.ci),
          body: new URLSearchParams({ token }),
        });
        expect(status).toBe(200);
      }
      await pause(200);
      tracer.kill('SIGINT');
      await once(tracer, 'exit');

      let acknowledged = 0;
      let early = 0;
      let synced = false;
      for (const line of readFileSync(file, 'utf8').split('\n')) {
        if (/"POST \/revoke/.test(line)) synced = false;
        else if (
          /(fdatasync|fsync)\(\d+<[^>]*-wal>\) += 0|<\.\.\. (fdatasync|fsync) resumed>.*= 0/.test(line)
        )
          synced = true;
        else if (/(write|writev|sendto)\(.*"HTTP\/1\.1 200/.test(line)) {
          acknowledged += 1;
          if (!synced) early += 1;
          synced = false;
        }
      }
      record({
        id: 'R2',
        scenario: 'order of fdatasync on the log of writes and of the answer, by strace; `synchronous=FULL`',
        target: 'every revocation on the disk before its answer',
        measured: `${early} of ${acknowledged} answers before their fdatasync`,
        engine: 'SQLite',
      });
      expect({ acknowledged, early }).toEqual({ acknowledged: revocations, early: 0 });
    } finally {
      await node.kill();
      rmSync(folder, { recursive: true });
      await database.drop();
    }
  },
  120_000,
);
