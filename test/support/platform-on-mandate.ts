/** The example platform on a free port, guarded by a Mandate of the test's own. */
import { createPlatform, type Platform } from '../../examples/platform/platform.ts';
import { freePort } from './free-port.ts';
import { demo, startMandate, type TestMandate } from './mandate.ts';

export interface PlatformOnMandate {
  readonly mandate: TestMandate;
  readonly platform: Platform;
  /** Stops both. */
  stop(): Promise<void>;
}

/** Starts both. @param options of the Mandate */
export async function startPlatformOnMandate(
  options: Omit<NonNullable<Parameters<typeof startMandate>[0]>, 'platformOrigin'> = {},
): Promise<PlatformOnMandate> {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const mandate = await startMandate({ ...options, platformOrigin: origin });
  const platform = createPlatform({
    port,
    origin,
    issuer: mandate.issuer,
    apiSecret: demo.apiServer.secret,
    mcpSecret: demo.mcpServer.secret,
    webSecret: demo.web.secret,
  });
  await platform.start();
  return {
    mandate,
    platform,
    async stop() {
      await platform.stop();
      await mandate.stop();
    },
  };
}
