/** What the lines of an event stream say, in their order. */
export interface EventStreamHandlers {
  /** @param id the last event id of the stream, once a block is complete */
  onEvent(type: string, data: string): void;
  onComment(text: string): void;
  /** Told at the end of each block that carried an id: everything up to it has been told. */
  onId(id: string): void;
  onRetry(milliseconds: number): void;
}

/** A block or a line that is longer is no event of ours. */
const mostCharacters = 256 * 1_024;

/**
 * Makes a reader of server-sent events.
 *
 * @returns a function that takes the decoded text as it comes, in pieces of any length, and throws `RangeError` when it never ends
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export function createEventStreamReader(handlers: EventStreamHandlers): (text: string) => void {
  let rest = '';
  let type = '';
  let data: string[] = [];
  let dataCharacters = 0;
  let id: string | undefined;

  function endBlock(): void {
    if (data.length > 0) handlers.onEvent(type || 'message', data.join('\n'));
    if (id !== undefined) handlers.onId(id);
    type = '';
    data = [];
    dataCharacters = 0;
    id = undefined;
  }

  function readLine(line: string): void {
    const colon = line.indexOf(':');
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (line === '') endBlock();
    else if (colon === 0) handlers.onComment(value);
    else readField(name, value);
  }

  function readField(name: string, value: string): void {
    switch (name) {
      case 'event':
        type = value;
        break;
      case 'data':
        data.push(value);
        dataCharacters += value.length;
        if (dataCharacters > mostCharacters) throw new RangeError('an event is too long');
        break;
      case 'id':
        if (!value.includes('\0')) id = value;
        break;
      case 'retry':
        if (/^\d{1,6}$/.test(value)) handlers.onRetry(Number(value));
        break;
    }
  }

  return (text) => {
    rest += text;
    // A carriage return at the very end may be the first half of one line break.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) readLine(line);
    if (rest.length > mostCharacters) throw new RangeError('a line is too long');
  };
}
