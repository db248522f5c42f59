/** What everything is compared with: a server that reads the body and answers a constant of the same size. */
import { createServer } from 'node:http';

const body = 'x'.repeat(Number(process.argv[2]));
const headers = [
  'Content-Type',
  'application/json',
  'Content-Length',
  String(body.length),
  'Cache-Control',
  'no-store',
  'X-Content-Type-Options',
  'nosniff',
];

const server = createServer((request, response) => {
  let read = 0;
  request.on('data', (chunk: Buffer) => {
    read += chunk.length;
  });
  request.on('end', () => {
    response.writeHead(read > 0 ? 200 : 400, headers);
    response.end(body, 'latin1');
  });
});
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ port: (server.address() as { port: number }).port }));
});
