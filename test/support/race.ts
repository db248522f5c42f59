/** Many requests at the same moment, spread over the nodes of one issuer. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Answer } from './raw-request.ts';
import type { ServerProcess } from './server-process.ts';

export interface RacedForm {
  readonly path: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An `Authorization` header for HTTP Basic (RFC 6749 section 2.3.1). */
export function basic({ id, secret }: { id: string; secret: string }): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` };
}

/** Posts the same form `times` times at once, in turn to each node. */
export async function raceForms(
  nodes: readonly ServerProcess[],
  times: number,
  { path, fields, headers = {} }: RacedForm,
): Promise<Answer[]> {
  const send = (node: ServerProcess) =>
    node.send(path, {
      body: new URLSearchParams(fields),
      headers: { 'x-forwarded-for': anAddress(), ...headers },
    });
  return race(nodes, times, async (node) => {
    let answer = await send(node);
    // On a machine that has much else to do, a database may be too late for some of so many: they ask again, as Retry-After says.
    for (let again = 0; answer.status === 503 && again < 5; again += 1) {
      await pause(1_000);
      answer = await send(node);
    }
    return answer;
  });
}

/** Another address each time, for nodes that trust the proxy in front of them: what is raced is not who asks too often. */
export function anAddress(): string {
  const part = () => Math.floor(Math.random() * 256);
  return `10.${part()}.${part()}.${part()}`;
}

/** Sends `times` requests at once, in turn to each node, over connections that are open already. */
export async function race(
  nodes: readonly ServerProcess[],
  times: number,
  send: (node: ServerProcess, index: number) => Promise<Answer>,
): Promise<Answer[]> {
  const runners = Array.from({ length: times }, (_, index) => nodes[index % nodes.length] as ServerProcess);
  // Connecting takes longer than what is raced: it is done before.
  await Promise.all(runners.map((node) => node.send('/healthz')));
  return Promise.all(runners.map(send));
}

/** How often each status was answered, e.g. `{ 200: 1, 400: 49 }`. */
export function statusesOf(answers: readonly Answer[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
