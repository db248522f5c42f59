import { expect, test } from '@jest/globals';
import { createEventStreamReader } from '../../../src/resource-server/event-stream.ts';

function reader() {
  const said: string[] = [];
  const read = createEventStreamReader({
    onEvent: (type, data) => said.push(`event ${type} ${data}`),
    onComment: (text) => said.push(`comment ${text}`),
    onId: (id) => said.push(`id ${id}`),
    onRetry: (milliseconds) => said.push(`retry ${milliseconds}`),
  });
  return { said, read };
}

const text =
  'retry: 250\n\nevent: authorization\ndata: {"id":"az_1"}\n\n: alive 5 9\nid: 7\n\ndata: a\ndata:b\n\n';
const meaning = [
  'retry 250',
  'event authorization {"id":"az_1"}',
  'comment alive 5 9',
  'id 7',
  'event message a\nb',
];

test.each([
  ['whole', text, text.length],
  ['a character at a time', text, 1],
  ['with carriage returns and line feeds, a character at a time', text.replaceAll('\n', '\r\n'), 1],
  ['with carriage returns, three characters at a time', `${text.replaceAll('\n', '\r')}:`, 3],
])('reads a stream that comes %s', (_, sent, size) => {
  const { said, read } = reader();
  for (let at = 0; at < sent.length; at += size) read(sent.slice(at, at + size));
  expect(said).toEqual(meaning);
});

test('says nothing of a block that is not complete', () => {
  const { said, read } = reader();
  read('event: authorization\ndata: {"id":"az_1"}\nid: 9\n');
  expect(said).toEqual([]);
});

test('refuses a line that never ends, and an event that never does', () => {
  expect(() => reader().read('x'.repeat(300_000))).toThrow(RangeError);
  expect(() => reader().read(`data: ${'x'.repeat(1_000)}\n`.repeat(300))).toThrow(RangeError);
});
