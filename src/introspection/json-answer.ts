/** How the endpoints on the plain listener answer: JSON that nobody stores, and refusals in OAuth's words. */
import type { ServerResponse } from 'node:http';

/** Sends a document; does nothing when an answer has begun. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent) return;
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  response.end(body);
}

/** Sends a refusal. @see RFC 6749 section 5.2 */
export function refuse(
  response: ServerResponse,
  status: number,
  error: string,
  description: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  sendJson(response, status, JSON.stringify({ error, error_description: description }), headers);
}
