/** Questions about one key: the one that is on its way, and the one that the newcomers share. */
interface Lane<Answer> {
  onItsWay: Promise<Answer>;
  gathering: Promise<Answer> | undefined;
}

/**
 * Lets identical concurrent questions share one answer without ever handing out an answer that was asked for
 * before the question: whoever comes while one is on its way gathers behind it, and all who gathered share the
 * next. At most one question per key is on its way, and nothing is kept once it is answered.
 *
 * Gathering costs a caller at most the rest of the question ahead, whatever its outcome.
 *
 * @param ask - sends the question before it first awaits
 */
export function coalesce<Answer>(ask: (key: string) => Promise<Answer>): (key: string) => Promise<Answer> {
  const lanes = new Map<string, Lane<Answer>>();

  function send(key: string, lane?: Lane<Answer>): Promise<Answer> {
    const answer = ask(key);
    const current = lane ?? { onItsWay: answer, gathering: undefined };
    current.onItsWay = answer;
    current.gathering = undefined;
    lanes.set(key, current);
    const settled = () => {
      if (current.gathering === undefined) lanes.delete(key);
    };
    answer.then(settled, settled);
    return answer;
  }

  return (key) => {
    const lane = lanes.get(key);
    if (lane === undefined) return send(key);
    const next = () => send(key, lane);
    lane.gathering ??= lane.onItsWay.then(next, next);
    return lane.gathering;
  };
}
