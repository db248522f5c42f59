/**
 * Reads one language's catalogue, a section at a time: each when its first message is asked for. Reading all of it would hold
 * everybody up for a tenth of a second, and most of it is never said. A section is what stands below one name in the first column.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** A message: one sentence, or one per plural category. `zero`, when present, speaks for exactly 0 in every language. */
export type Message = string | Readonly<Record<string, string>>;

export interface MessageCatalogue {
  /** The message of a key such as `sign_in.title`. */
  get(key: string): Message | undefined;
  /** Every key with its message, in the order of the file. */
  entries(): ReadonlyMap<string, Message>;
}

/**
 * Opens a catalogue; no section of it is read yet.
 * @throws Error when it is missing or is not made of sections; a section that is not a tree of strings throws when it is asked for
 */
export function openCatalogue(file: string): MessageCatalogue {
  const unread = sectionsOf(readFileSync(file, 'utf8'));
  const order = [...unread.keys()];
  const read = new Map<string, ReadonlyMap<string, Message>>();

  function section(name: string): ReadonlyMap<string, Message> | undefined {
    const text = unread.get(name);
    if (text !== undefined) {
      const messages = new Map<string, Message>();
      collect(parse(text), '', messages);
      read.set(name, messages);
      unread.delete(name);
    }
    return read.get(name);
  }

  return {
    get: (key) => section(key.split('.', 1)[0] ?? '')?.get(key),
    entries: () => new Map(order.flatMap((name) => [...(section(name) ?? [])])),
  };
}

/** Splits a catalogue's text into its sections, each a document of its own. Pure. @throws Error when it has other parts */
export function sectionsOf(text: string): Map<string, string> {
  const sections = new Map<string, string>();
  for (const part of text.split(/^(?=\S)/m)) {
    if (/^(#|\s*$)/.test(part)) continue;
    const name = /^([a-z_]+):/.exec(part)?.[1];
    if (name === undefined) throw new Error(`not a section of messages: ${part.slice(0, 60)}`);
    if (sections.has(name)) throw new Error(`two sections of messages are named ${name}`);
    sections.set(name, part);
  }
  return sections;
}

const categories = new Set(['zero', 'one', 'two', 'few', 'many', 'other']);

function collect(node: unknown, key: string, into: Map<string, Message>): void {
  if (typeof node === 'string') {
    into.set(key, node);
    return;
  }
  if (typeof node !== 'object' || node === null || Array.isArray(node)) {
    throw new Error(`message ${key || '(root)'} is neither text nor a group of messages`);
  }
  const children = Object.entries(node);
  if (children.every(([name, text]) => categories.has(name) && typeof text === 'string') && 'other' in node) {
    into.set(key, Object.fromEntries(children) as Record<string, string>);
    return;
  }
  for (const [name, child] of children) collect(child, key === '' ? name : `${key}.${name}`, into);
}
