/**
 * How soon the kit's cache refuses a token once its revocation was acknowledged, through the change stream. A program of its own, in
 * which server and resource server share a process, as one node asked by the other would not: the figures are worse for it.
 */
import { cachingResourceServer } from '../support/change-stream.ts';
import { issueToken } from '../support/issue-token.ts';
import { demo, startMandate } from '../support/mandate.ts';

/** Milliseconds from the acknowledgement to the first refusal. */
export interface RevocationLatency {
  readonly times: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

const times = Number(process.argv[2] ?? 200);
const pause = (milliseconds: number) => new Promise((resolve) => void setTimeout(resolve, milliseconds));
const actor = { id: 'bench' };

const mandate = await startMandate();
const { stores, store, clock, issuer } = mandate;
const owner = await stores.users.findByEmail('editor@acme.test');
const server = cachingResourceServer(issuer);
await server.alive();

const took: number[] = [];
for (let turn = 0; turn < times; turn += 1) {
  const { id } = await store.transact((trx) =>
    stores.authorizations.insert(trx, actor, {
      kind: 'oauth2',
      userId: owner?.id ?? '',
      clientId: demo.web.id,
      capabilities: ['api'],
      projects: [],
      mcpServers: [],
      asked: [],
      expiresAt: null,
    }),
  );
  const about = { authorizationId: id, clientId: demo.web.id, audience: demo.api, issuedAt: clock.now() };
  const token = await issueToken(store, about);
  // Until it is answered from memory: a token that is asked about anew proves nothing.
  for (let asked = -1; asked !== server.asked(); await pause(1)) {
    asked = server.asked();
    if (!(await server.introspect(token)).active) throw new Error('the token is not active');
  }
  await pause(Math.random() * 20);
  await stores.authorizations.revoke(actor, id);
  const acknowledged = performance.now();
  while ((await server.introspect(token)).active) await pause(1);
  took.push(performance.now() - acknowledged);
}
took.sort((one, other) => one - other);
const at = (share: number) => took[Math.ceil(share * times) - 1] ?? Number.NaN;
const latency: RevocationLatency = { times, p50: at(0.5), p99: at(0.99), most: at(1) };
process.stdout.write(`${JSON.stringify(latency)}\n`);
server.close();
await mandate.stop();
