/**
 * The only place from which a command writes to the terminal or asks it something. Results go to the standard output;
 * complaints, one line each, and what is said on the way go to the standard error.
 */
import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMilliseconds = 80;
const eraseLine = '\r\u001b[2K';

/** The streams of a process. */
export interface Streams {
  readonly stdin: Readable & { isTTY?: boolean };
  readonly stdout: Writable & { isTTY?: boolean };
  readonly stderr: Writable & { isTTY?: boolean; columns?: number };
}

export interface Terminal {
  /** Whether somebody is there to be asked. */
  readonly interactive: boolean;
  /** Prints a text with a line break at its end. */
  print(text: string): void;
  /** Prints one JSON document. */
  printJson(document: unknown): void;
  /** Prints a complaint on one line. */
  complain(message: string): void;
  /** Says something on the way to the result. */
  tell(text: string): void;
  /** The width, in characters, of the terminal that is told things; undefined when that is none. */
  readonly columns: number | undefined;
  /** Shows that something is awaited, on a terminal alone. @returns what ends it */
  spin(label: string): () => void;
  /** Reads all of the standard input. */
  readAll(): Promise<string>;
  /** Asks a question that anything but `y` or `yes` denies. */
  confirm(question: string): Promise<boolean>;
}

/** Creates the terminal over a process's streams. */
export function createTerminal({ stdin, stdout, stderr }: Streams): Terminal {
  const tellsTerminal = stderr.isTTY === true;
  return {
    interactive: stdin.isTTY === true && stdout.isTTY === true,
    print: (line) => void stdout.write(`${line}\n`),
    printJson: (document) => void stdout.write(`${JSON.stringify(document, null, 2)}\n`),
    complain: (message) => void stderr.write(`mandate: ${message.replace(/\s*\n\s*/g, '; ')}\n`),
    tell: (line) => void stderr.write(`${line}\n`),
    // A terminal that does not know its width says 0.
    columns: tellsTerminal ? stderr.columns || 80 : undefined,
    spin(label) {
      if (!tellsTerminal) return () => {};
      let turn = 0;
      const draw = () => void stderr.write(`\r${frames[turn++ % frames.length]} ${label}`);
      draw();
      const timer = setInterval(draw, frameMilliseconds);
      return () => {
        clearInterval(timer);
        stderr.write(eraseLine);
      };
    },
    readAll: () => text(stdin),
    async confirm(question) {
      const lines = createInterface({ input: stdin, output: stdout });
      try {
        return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
      } finally {
        lines.close();
      }
    },
  };
}
