/** Reads `application/x-www-form-urlencoded` bodies within a limit. */
import type { IncomingMessage } from 'node:http';

/** Field name → its values in order; a map, so that no name can reach a prototype. */
export type Form = ReadonlyMap<string, readonly string[]>;

export type FormRefusal = { readonly kind: 'too_large' | 'wrong_type' };

const mediaType = /^application\/x-www-form-urlencoded\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

/**
 * Reads a form.
 * @param limitBytes the most that is read; a longer body is refused without reading it to its end
 */
export async function readForm(request: IncomingMessage, limitBytes: number): Promise<Form | FormRefusal> {
  if (
    !mediaType.test(request.headers['content-type'] ?? '') ||
    request.headers['content-encoding'] !== undefined
  ) {
    return { kind: 'wrong_type' };
  }
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) return { kind: 'too_large' };
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limitBytes) return { kind: 'too_large' };
    chunks.push(chunk);
  }
  return parseForm(Buffer.concat(chunks).toString('utf8'));
}

/** Parses the text of a form. Pure. */
export function parseForm(text: string): Form {
  const fields = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(text)) {
    const values = fields.get(name);
    if (values) values.push(value);
    else fields.set(name, [value]);
  }
  return fields;
}

export function isFormRefusal(result: Form | FormRefusal): result is FormRefusal {
  return 'kind' in result;
}
