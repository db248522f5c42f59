/** The start page: what this is, three things to try, and who can sign in to the demo organization. */

import { firstSteps } from './first-steps.ts';
import type { Words } from './messages.ts';

/** `start.ejs`. */
export interface StartPage {
  readonly issuer: string;
  readonly steps: readonly {
    readonly title: string;
    readonly text: string;
    readonly commands: readonly string[];
  }[];
  readonly demo?: {
    readonly password: string;
    readonly accounts: readonly { readonly email: string; readonly can: string }[];
  };
  readonly links: readonly { readonly href: string; readonly label: string; readonly text: string }[];
}

export interface StartInput {
  readonly issuer: string;
  /** The demo organization is loaded: its fixed names may be shown. */
  readonly demo: boolean;
  /** Origin of the example platform, when it runs. */
  readonly platform?: string | undefined;
  /** Whether this server has a page there: nothing else is linked to. */
  offers(path: string): boolean;
}

/** Builds the start page. Pure. */
export function buildStartPage(input: StartInput, words: Words): StartPage {
  const { t } = words;
  const mcpUrl = `${input.demo && input.platform !== undefined ? input.platform : 'https://mcp.example'}/mcp/atlas`;
  const steps = firstSteps(input);
  return {
    issuer: input.issuer,
    steps: [
      {
        title: t('start.cli.title'),
        text: t('start.cli.text'),
        commands: [steps.login, steps.whoami],
      },
      {
        title: t('start.assistant.title'),
        text: t('start.assistant.text'),
        commands: [mcpUrl, `claude mcp add --transport http atlas-flows ${mcpUrl}`],
      },
      {
        title: t('start.introspect.title'),
        text: t('start.introspect.text'),
        commands: [steps.introspect, steps.takeAway],
      },
    ],
    ...(input.demo && {
      demo: {
        password: 'mandate-demo',
        accounts: [
          { email: 'owner@acme.test', can: t('start.demo.owner') },
          { email: 'admin@acme.test', can: t('start.demo.admin') },
          { email: 'editor@acme.test', can: t('start.demo.editor') },
          { email: 'viewer@acme.test', can: t('start.demo.viewer') },
          { email: 'analyst@acme.test', can: t('start.demo.analyst') },
        ],
      },
    }),
    links: links(words).filter(({ href }) => input.offers(href)),
  };
}

function links({ t }: Words): StartPage['links'] {
  return [
    {
      href: '/account/authorizations',
      label: t('start.links.authorizations'),
      text: t('start.links.authorizations_text'),
    },
    { href: '/admin', label: t('start.links.admin'), text: t('start.links.admin_text') },
    { href: '/device', label: t('start.links.device'), text: t('start.links.device_text') },
    {
      href: '/.well-known/oauth-authorization-server',
      label: t('start.links.metadata'),
      text: t('start.links.metadata_text'),
    },
  ];
}
