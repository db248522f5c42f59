import { type Html, html } from './page.ts';

/** The body of `GET /`: what this platform is, and how to try it. */
export function startPage(origin: string, issuer: string): Html {
  return html`
<p>This is a sample platform that takes tokens of the authorization server at <a href="${issuer}">${issuer}</a>.
It asks there, at every call, what the token may do right now.</p>
<p><a href="/login">Log in with Mandate</a> to see what a website gets to know about your rights.</p>
<table>
<thead><tr><th scope="col">Resource</th><th scope="col">What</th></tr></thead>
<tbody>
<tr><td><code>${origin}/api</code></td><td>JSON API: projects, flows, secrets, endpoints, apps</td></tr>
<tr><td><code>${origin}/mcp/atlas</code></td><td>MCP server atlas-flows: list and create flows</td></tr>
<tr><td><code>${origin}/mcp/borealis</code></td><td>MCP server borealis-reports: list and read reports</td></tr>
</tbody>
</table>`;
}
