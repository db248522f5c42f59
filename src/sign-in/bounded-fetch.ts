/** Asks another provider, and reads only as much of what it says as any of them has to say. */

/** Metadata, keys, tokens and what is known of a person take some kilobytes; in bytes, after decompression. */
const mostBytes = 512 * 1_024;

/**
 * The same as `fetch`, with a body that breaks off where it is longer.
 * @throws TypeError from the reading of the body: it is treated like an answer that breaks off on its way
 */
export async function boundedFetch(address: string, options: RequestInit): Promise<Response> {
  const { body, status, statusText, headers } = await fetch(address, options);
  if (!body) return new Response(null, { status, statusText, headers });
  let size = 0;
  const bounded = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      size += chunk.byteLength;
      if (size > mostBytes) controller.error(new TypeError(`an answer of more than ${mostBytes} bytes`));
      else controller.enqueue(chunk);
    },
  });
  return new Response(body.pipeThrough(bounded), { status, statusText, headers });
}
