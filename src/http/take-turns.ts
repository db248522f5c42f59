import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';

type Listener = (request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * Lets one request begin in each turn of the event loop: many that arrive at once hold nobody else up for longer than one of them.
 * @param unless the path that does not wait for its turn
 * @param before what is done before any other begins
 */
export function oneEachTurn(
  listener: Listener,
  { unless, before }: { unless: string; before: () => void },
): Listener {
  const take = createTurns();
  return (request, response) => {
    if (request.url === unless) listener(request, response);
    else
      take(() => {
        before();
        listener(request, response);
      });
  };
}

/**
 * Lets pieces of work begin one in each turn of the event loop, in the order in which they came.
 * @returns begins a piece, at once where none has begun in this turn
 */
export function createTurns(): (begin: () => void) => void {
  const waiting: (() => void)[] = [];
  let taken = false;

  function next(): void {
    const begin = waiting.shift();
    taken = begin !== undefined;
    if (!begin) return;
    // In the turn after this one.
    setImmediate(next);
    begin();
  }

  return (begin) => {
    if (taken) {
      waiting.push(AsyncResource.bind(begin));
      return;
    }
    taken = true;
    setImmediate(next);
    begin();
  };
}
