/**
 * Runs the example platform alone: `node examples/platform/main.ts [--port 4100] [--issuer http://localhost:4000]`.
 * With `--cached` it remembers what a token may do for as long as Mandate's change stream is in step, instead of asking each time.
 * With `--until-input-ends` it stops when whoever started it is gone.
 */
import { parseArgs } from 'node:util';
import { createPlatform } from './platform.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '4100' },
    issuer: { type: 'string', default: 'http://localhost:4000' },
    cached: { type: 'boolean', default: false },
    'until-input-ends': { type: 'boolean', default: false },
  },
});

// The demo organization's own secrets; a production start of Mandate refuses every one of them.
const platform = createPlatform({
  port: Number(values.port),
  origin: `http://localhost:${values.port}`,
  issuer: values.issuer,
  cached: values.cached,
  apiSecret: 'acme-api-demo-secret-not-for-production',
  mcpSecret: 'acme-mcp-demo-secret-not-for-production',
  webSecret: 'acme-web-demo-secret-not-for-production',
});

function stop(): void {
  // An open input would keep the process alive.
  process.stdin.destroy();
  platform.stop().catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exitCode = 1;
  });
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
if (values['until-input-ends']) process.stdin.once('end', stop).resume();

try {
  await platform.start();
} catch (error) {
  const why = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    `The example platform cannot start (${why}): what answers at ${platform.origin} is another program. \`start --no-platform\` leaves it out.\n`,
  );
  process.exit(1);
}
process.stdout.write(`Example platform at ${platform.origin}, asking ${values.issuer}\n`);
