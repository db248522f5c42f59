import type { Introspection } from '../../src/resource-server/index.ts';
import { type Html, html } from './page.ts';

/** The body of `GET /rights`: one introspection answer, read aloud. */
export function rightsPage(introspection: Introspection): Html {
  if (!introspection.active) {
    return html`
<p role="status">This sign-in holds nothing any more: it was revoked, it expired, or the account is suspended.</p>
<p><a href="/login">Log in again</a></p>${buttons}`;
  }
  const { username, sub, scope, authorization_details: details, withheld } = introspection;
  return html`
<p role="status">Signed in as <strong>${username ?? sub}</strong>. This is what holds at this moment.</p>
<table>
<tbody>
<tr><th scope="row">Capabilities</th><td><code>${scope}</code></td></tr>
${details.map((entry) =>
  entry.type === 'project'
    ? row(`Project ${entry.slug}`, entry.actions.join(' ') || 'nothing beyond reading')
    : row(`MCP server ${entry.locations.join(' ')}`, entry.actions.join(' ')),
)}
${withheld.map((item) =>
  row(
    `Withheld: ${item.dimension} ${item.identifier}`,
    [item.capability, item.reason].filter(Boolean).join(' '),
  ),
)}
</tbody>
</table>${buttons}`;
}

const buttons = html`
<div><form method="get" action="/rights"><button>Refresh</button></form>
<form method="post" action="/logout"><button>Log out</button></form></div>`;

function row(name: string, value: string): Html {
  return html`<tr><th scope="row">${name}</th><td><code>${value}</code></td></tr>\n`;
}
