import { firstSteps } from './http/first-steps.ts';

/** What a first start prints: where it is, and how to try the three things it does. Pure. */
export function welcomeText(facts: {
  issuer: string;
  demo: boolean;
  platform: string | undefined;
  /** Processes that serve, where they are several. */
  workers?: number;
}): string {
  const { issuer, demo, platform, workers } = facts;
  const steps = firstSteps(facts);
  const lines = [`Mandate is ready at ${issuer}${workers ? ` (${workers} workers)` : ''}`];
  if (!demo) return `${lines[0]}\n`;
  lines.push(
    `${platform ? `The example platform is at ${platform}; its users are` : 'Demo users:'} owner@, admin@, editor@, viewer@, analyst@acme.test, password mandate-demo`,
    '',
    '1  Log a command line in:',
    `     ${steps.login}`,
    '   Open the address, sign in as editor@acme.test, pick atlas, authorize. Then see what that gave:',
    `     ${steps.whoami}`,
    '',
  );
  if (platform) {
    lines.push(
      '2  Connect an assistant: give it this MCP URL and nothing else:',
      `     ${platform}/mcp/atlas`,
      '',
    );
  }
  lines.push(
    `${platform ? '3' : '2'}  Ask what its token may do now, as the API would:`,
    `     ${steps.introspect}`,
    '   Then move editor off atlas and ask again:',
    `     ${steps.takeAway}`,
    '',
  );
  return `${lines.join('\n')}\n`;
}
