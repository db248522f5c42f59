/** The parts that the tests use of clients that ship no types. */
declare module 'simple-oauth2' {
  interface Token {
    readonly token: {
      readonly access_token: string;
      readonly refresh_token?: string;
      readonly scope?: string;
    };
    expired(): boolean;
    refresh(): Promise<Token>;
    revokeAll(): Promise<void>;
  }
  interface Endpoints {
    readonly client: { readonly id: string; readonly secret: string };
    readonly auth: {
      readonly tokenHost: string;
      readonly tokenPath: string;
      readonly authorizePath?: string;
      readonly revokePath?: string;
    };
  }
  export class AuthorizationCode {
    constructor(endpoints: Endpoints);
    authorizeURL(parameters: Readonly<Record<string, string>>): string;
    getToken(parameters: Readonly<Record<string, string>>): Promise<Token>;
  }
  export class ClientCredentials {
    constructor(endpoints: Endpoints);
    getToken(parameters: Readonly<Record<string, string>>): Promise<Token>;
  }
}

declare module 'passport-oauth2' {
  import type { IncomingMessage } from 'node:http';

  type Done = (error: unknown, user?: unknown) => void;
  export default class OAuth2Strategy {
    constructor(
      options: {
        readonly authorizationURL: string;
        readonly tokenURL: string;
        readonly clientID: string;
        readonly clientSecret: string;
        readonly callbackURL: string;
        readonly scope: string;
        readonly pkce: boolean;
        readonly state: boolean;
      },
      verify: (accessToken: string, refreshToken: string, profile: unknown, done: Done) => void,
    );
    authenticate(request: IncomingMessage): void;
    success?(user: unknown): void;
    fail?(challenge: unknown): void;
    error?(error: unknown): void;
    redirect?(address: string): void;
  }
}
