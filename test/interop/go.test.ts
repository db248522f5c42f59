/** A tool written in Go, as the documentation of its libraries has it. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { demo } from '../support/mandate.ts';
import { type PlatformOnMandate, startPlatformOnMandate } from '../support/platform-on-mandate.ts';
import { describeWith } from './describe-with.ts';
import { runForeignTool } from './foreign-tool.ts';
import { goTool, sources } from './prepared.ts';

describeWith([goTool], 'Go', () => {
  let both: PlatformOnMandate;
  beforeAll(async () => {
    both = await startPlatformOnMandate();
  });
  afterAll(() => both.stop());

  test('x/oauth2 and go-oidc: code with PKCE and a verified ID token, refresh, the device flow, client credentials', async () => {
    const result = await runForeignTool(both.mandate, {
      command: goTool,
      args: [
        JSON.stringify({
          issuer: both.mandate.issuer,
          client_id: demo.cli.id,
          api: `${both.platform.origin}/api`,
          machine: demo.ci,
        }),
      ],
      folder: join(sources, 'go'),
      answers: { 'flows:edit': true, atlas: true },
    });
    expect(result).toEqual({
      code: {
        email: 'editor@acme.test',
        nonce: 'a-nonce',
        scope: 'api flows:edit',
        refreshed: true,
        api: 200,
      },
      device: { scope: 'api', api: 200 },
      machine: { api: 200 },
    });
  });
});
