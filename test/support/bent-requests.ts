/** Sends bent requests to a server, several at once, and keeps what should not have come back. Does not know what is asked. */
import { pause } from './fault-figures.ts';
import { anAddress } from './race.ts';
import { mutate, type PlainRequest } from './request-mutations.ts';
import type { ServerProcess } from './server-process.ts';

const atOnce = 8;
const answeredWithinMilliseconds = 60_000;

export interface BentRequests {
  readonly done: number;
  /** How often a request was sent again because the database was too late for it. */
  readonly busy: number;
  readonly statuses: ReadonlyMap<number, number>;
  /** Answers that should not have come, each with its request. */
  readonly wrong: readonly string[];
  /** How often the server says that something went wrong that nobody looked after. */
  readonly unhandled: number;
}

/**
 * Sends `each` bent forms of every request, one request after the other.
 * @param random numbers from 0 to 1
 * @param told called after each request's forms, with what came of all until then
 */
export async function sendBent(
  node: ServerProcess,
  requests: readonly PlainRequest[],
  each: number,
  random: () => number,
  told: (name: string, soFar: Pick<BentRequests, 'done' | 'wrong'>) => void,
): Promise<BentRequests> {
  const wrong: string[] = [];
  const statuses = new Map<number, number>();
  let done = 0;
  let busy = 0;
  const sendOne = async (request: PlainRequest) => {
    const { method, path, body, headers } = mutate(request, random);
    // Each from elsewhere: what is tried is what is asked, not how often.
    headers['x-forwarded-for'] ??= anAddress();
    const ask = async () => {
      const { promise: late, resolve } = Promise.withResolvers<{ status: number; text: string }>();
      const timer = setTimeout(resolve, answeredWithinMilliseconds, { status: -1, text: 'no answer' });
      const sent = node
        .send(path, { method, headers, ...(body === undefined ? {} : { body }) })
        .catch((error: Error) => ({ status: 0, text: error.message }));
      const answer = await Promise.race([sent, late]);
      clearTimeout(timer);
      return answer;
    };
    let answer = await ask();
    // A database that a machine with much else to do keeps waiting is too late for some: they ask again, as Retry-After says.
    for (let again = 0; answer.status === 503 && again < 5; again += 1) {
      busy += 1;
      await pause(1_000);
      answer = await ask();
    }
    done += 1;
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    const what = `${request.name}: ${method} ${path.slice(0, 300)} ${JSON.stringify(headers).slice(0, 600)} ${body?.slice(0, 300) ?? ''}`;
    if (answer.status >= 500 || answer.status <= 0) {
      wrong.push(`${answer.status} ${answer.text.slice(0, 200)} ← ${what}`);
    }
    if (/SQLITE|postgres|SELECT | {4}at /.test(answer.text)) wrong.push(`tells too much ← ${what}`);
  };
  for (const request of requests) {
    let left = each;
    const send = async () => {
      while (left-- > 0) await sendOne(request);
    };
    await Promise.all(Array.from({ length: atOnce }, send));
    told(request.name, { done, wrong });
  }
  // What the server itself says of it stands beside what it answered.
  if (wrong.length > 0) {
    const failures = node.output().split('\n');
    wrong.push(...failures.filter((line) => line.includes('"request failed"')).slice(0, 20));
  }
  const unhandled = node.output().match(/unhandled|uncaught/gi)?.length ?? 0;
  return { done, busy, statuses, wrong, unhandled };
}
