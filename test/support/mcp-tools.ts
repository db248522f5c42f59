/** Both generations of the official MCP client behind one face: a tool that is given the URL of an MCP server and nothing else. */
import {
  Client,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import type { OAuthClientProvider as OAuthClientProviderV1 } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

/** What a tool keeps between its steps. */
export interface ToolMemory {
  readonly provider: OAuthClientProvider;
  readonly client: () => StoredOAuthClientInformation | undefined;
  readonly tokens: () => StoredOAuthTokens | undefined;
  /** Where the tool wants to send the person; taken once. */
  takeAddress(): URL | undefined;
}

/** One connection; a call that needs the person throws, and `takeAddress` says where to. */
export interface Tool {
  readonly memory: ToolMemory;
  connect(): Promise<void>;
  /** Hands the browser's return to the client, which redeems the code; then `connect` again. */
  finish(callback: URL): Promise<void>;
  call(name: string, args?: Record<string, unknown>): Promise<unknown>;
  close(): Promise<void>;
}

/** @param documentUrl where the tool publishes its client metadata document; without one it registers */
export type MakeTool = (url: string, redirectUri: string, documentUrl?: string) => Tool;

/** `@modelcontextprotocol/client` 2. */
export const createTool: MakeTool = (url, redirectUri, documentUrl) => {
  const memory = createMemory(redirectUri, documentUrl);
  const open = () => ({
    client: new Client({ name: 'Assistant', version: '2' }),
    transport: new StreamableHTTPClientTransport(new URL(url), { authProvider: memory.provider }),
  });
  let current = open();
  return {
    memory,
    async connect() {
      current = open();
      await current.client.connect(current.transport);
    },
    finish: (callback) => current.transport.finishAuth(callback.searchParams),
    call: async (name, args = {}) => answerOf(await current.client.callTool({ name, arguments: args })),
    close: () => current.client.close(),
  };
};

/** `@modelcontextprotocol/sdk` 1. */
export const createToolV1: MakeTool = (url, redirectUri, documentUrl) => {
  const memory = createMemory(redirectUri, documentUrl);
  const authProvider = memory.provider as unknown as OAuthClientProviderV1;
  const open = () => ({
    client: new ClientV1({ name: 'Assistant', version: '1' }),
    transport: new TransportV1(new URL(url), { authProvider }),
  });
  let current = open();
  return {
    memory,
    async connect() {
      current = open();
      await current.client.connect(current.transport as Parameters<ClientV1['connect']>[0]);
    },
    finish: (callback) => current.transport.finishAuth(callback.searchParams.get('code') ?? ''),
    call: async (name, args = {}) => answerOf(await current.client.callTool({ name, arguments: args })),
    close: () => current.client.close(),
  };
};

function createMemory(redirectUri: string, documentUrl: string | undefined): ToolMemory {
  let client: StoredOAuthClientInformation | undefined;
  let tokens: StoredOAuthTokens | undefined;
  let address: URL | undefined;
  let verifier = '';
  let discovered: OAuthDiscoveryState | undefined;
  return {
    client: () => client,
    tokens: () => tokens,
    takeAddress() {
      const taken = address;
      address = undefined;
      return taken;
    },
    provider: {
      redirectUrl: redirectUri,
      ...(documentUrl !== undefined && { clientMetadataUrl: documentUrl }),
      clientMetadata: {
        client_name: 'Assistant',
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
      },
      state: () => 'state-of-the-tool',
      clientInformation: () => client,
      saveClientInformation: (information) => {
        client = information;
      },
      tokens: () => tokens,
      saveTokens: (issued) => {
        tokens = issued;
      },
      redirectToAuthorization: (url) => {
        address = url;
      },
      saveCodeVerifier: (made) => {
        verifier = made;
      },
      codeVerifier: () => verifier,
      saveDiscoveryState: (state) => {
        discovered = state;
      },
      discoveryState: () => discovered,
      invalidateCredentials: (what) => {
        if (what === 'all' || what === 'tokens') tokens = undefined;
        if (what === 'all' || what === 'client') client = undefined;
      },
    },
  };
}

function answerOf(result: unknown): unknown {
  const { content } = result as { content: { text: string }[] };
  return JSON.parse(content[0]?.text ?? 'null') as unknown;
}
