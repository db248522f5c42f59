/** A real nginx in front of a server, as Debian packages it, with a folder of its own. Owns its life; what it is to do is fixed. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';

export interface Nginx {
  readonly port: number;
  /** Request lines that were passed on, in order. */
  passedOn(): string[];
  stop(): Promise<void>;
}

/** Names the version that is installed. @returns undefined where there is none */
export function nginxVersion(): string | undefined {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'pipe' });
    return 'installed';
  } catch {
    return undefined;
  }
}

/** Starts one in front of a port of this machine: HTTP/1.1 on connections that are kept and shared by clients. */
export async function startNginx(upstream: number | string): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'mandate-nginx-'));
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join('\n  ');
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events {}
http {
  ${temporary}
  log_format passed '$upstream_status $request';
  access_log ${folder}/access.log passed;
  upstream mandate { server 127.0.0.1:${upstream}; keepalive 1; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://mandate;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }
}
`,
  );
  const child = spawn(
    'nginx',
    ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')],
    {
      stdio: 'ignore',
    },
  );
  const lastResort = () => void child.kill('SIGKILL');
  process.once('exit', lastResort);
  for (let tries = 0; !(await takesConnections(port)); tries += 1) {
    if (tries > 200)
      throw new Error(`nginx did not start:\n${readFileSync(join(folder, 'error.log'), 'utf8')}`);
    await sleep(25);
  }
  return {
    port,
    passedOn: () =>
      readFileSync(join(folder, 'access.log'), 'utf8')
        .split('\n')
        .filter((line) => /^\d/.test(line)),
    async stop() {
      process.off('exit', lastResort);
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
