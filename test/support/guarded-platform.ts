/** The example platform on a free port, guarded by an introspection server whose answers the test writes. */
import { createPlatform } from '../../examples/platform/platform.ts';
import { freePort } from './free-port.ts';
import { type IntrospectionServer, startIntrospectionServer } from './introspection-server.ts';

export interface GuardedPlatform {
  readonly mandate: IntrospectionServer;
  readonly origin: string;
  stop(): Promise<void>;
}

export async function startGuardedPlatform(): Promise<GuardedPlatform> {
  const mandate = await startIntrospectionServer();
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const platform = createPlatform({
    port,
    origin,
    issuer: mandate.issuer,
    apiSecret: 'acme-api-secret',
    mcpSecret: 'acme-mcp-secret',
    webSecret: 'acme-web-secret',
  });
  await platform.start();
  return {
    mandate,
    origin,
    async stop() {
      await platform.stop();
      await mandate.stop();
    },
  };
}
