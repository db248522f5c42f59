/** What ends TLS in front of a server: a gateway of a deployment, with a certificate that nobody signed. */
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';

export const openssl = '/usr/bin/openssl';

export interface TransportSecurity {
  readonly origin: string;
  stop(): Promise<void>;
}

/** Passes every request on to a server, under the name that it goes by. @param folder where key and certificate may be kept */
export async function addTransportSecurity(server: string, folder: string): Promise<TransportSecurity> {
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  execFileSync(
    openssl,
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
      ...['-keyout', key, '-out', certificate],
    ],
    { stdio: 'ignore' },
  );
  const { hostname, port: behind, host } = new URL(server);
  const gateway = createServer(
    { key: await readFile(key), cert: await readFile(certificate) },
    (asked, answered) => {
      const { url: path, method, headers } = asked;
      const passed = request(
        { hostname, port: behind, path, method, headers: { ...headers, host } },
        (answer) => {
          answered.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(answered);
        },
      );
      passed.on('error', () => answered.destroy());
      asked.pipe(passed);
    },
  );
  const port = await freePort();
  await new Promise<void>((resolve) => void gateway.listen(port, resolve));
  return {
    origin: `https://localhost:${port}`,
    stop: () =>
      new Promise((resolve) => {
        gateway.close(() => resolve());
        gateway.closeAllConnections();
      }),
  };
}
