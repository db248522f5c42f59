import { createMonotonic } from './monotonic.ts';

/** Questions about one key: the one that is on its way, and the one that the newcomers share. */
interface Lane<Answer> {
  onItsWay: Promise<Answer>;
  gathering: Promise<Answer> | undefined;
  /** When the one on its way was sent. */
  since: number;
}

/**
 * Lets identical concurrent questions share one answer without ever handing out an answer that was asked for
 * before the question: whoever comes while one is on its way gathers behind it, and all who gathered share the
 * next. At most one question per key is on its way in its time, and nothing is kept once it is answered.
 *
 * Gathering costs a caller at most the rest of the question ahead, whatever its outcome. Nobody gathers behind one that should have
 * been over: a worker's request that ends before its question leaves a promise that nothing will ever settle.
 *
 * @param ask - sends the question before it first awaits
 * @param mostMilliseconds - that a question may take
 * @param monotonic - milliseconds that only ever go on
 */
export function coalesce<Answer>(
  ask: (key: string) => Promise<Answer>,
  mostMilliseconds: number,
  monotonic: () => number = createMonotonic(),
): (key: string) => Promise<Answer> {
  const lanes = new Map<string, Lane<Answer>>();

  function send(key: string, lane?: Lane<Answer>): Promise<Answer> {
    const answer = ask(key);
    const current = lane ?? { onItsWay: answer, gathering: undefined, since: 0 };
    current.onItsWay = answer;
    current.gathering = undefined;
    current.since = monotonic();
    lanes.set(key, current);
    const settled = () => {
      if (current.gathering === undefined && lanes.get(key) === current) lanes.delete(key);
    };
    answer.then(settled, settled);
    return answer;
  }

  return (key) => {
    const lane = lanes.get(key);
    if (lane === undefined || monotonic() - lane.since > mostMilliseconds) return send(key);
    const next = () => send(key, lane);
    lane.gathering ??= lane.onItsWay.then(next, next);
    return lane.gathering;
  };
}
