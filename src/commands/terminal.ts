/**
 * The only place from which a command writes to the terminal or asks it something. Results go to the standard output,
 * complaints to the standard error, one line each.
 */
import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';

/** The streams of a process. */
export interface Streams {
  readonly stdin: Readable & { isTTY?: boolean };
  readonly stdout: Writable & { isTTY?: boolean };
  readonly stderr: Writable;
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
  /** Asks a question that anything but `y` or `yes` denies. */
  confirm(question: string): Promise<boolean>;
}

/** Creates the terminal over a process's streams. */
export function createTerminal({ stdin, stdout, stderr }: Streams): Terminal {
  return {
    interactive: stdin.isTTY === true && stdout.isTTY === true,
    print: (text) => void stdout.write(`${text}\n`),
    printJson: (document) => void stdout.write(`${JSON.stringify(document, null, 2)}\n`),
    complain: (message) => void stderr.write(`mandate: ${message.replace(/\s*\n\s*/g, '; ')}\n`),
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
