/** A tool whose client id is a document on the played internet, and what it and its person do. */
import type { BrowserlessClient, Page } from './http.ts';
import { pkce } from './oauth.ts';

export const toolId = 'https://tool.example/oauth/client.json';
export const toolRedirect = 'https://tool.example/callback';
export const toolDocument = {
  client_id: toolId,
  client_name: 'Tool',
  redirect_uris: [toolRedirect],
  grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
};

/** The tool's authorization request, or another one's. */
export function requestOf(clientId = toolId, redirect = toolRedirect): Record<string, string> {
  return {
    client_id: clientId,
    redirect_uri: redirect,
    response_type: 'code',
    scope: 'api',
    state: 'state',
    code_challenge: pkce().challenge,
    code_challenge_method: 'S256',
  };
}

/** Goes where the tool sends the person. @returns what the person sees first */
export function visit(browser: BrowserlessClient, clientId?: string, redirect?: string): Promise<Page> {
  return browser.get(`/authorize?${new URLSearchParams(requestOf(clientId, redirect))}`, { follow: true });
}
