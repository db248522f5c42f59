/** Where the JSON API is. */
export const apiRoot = '/api/v1';

/** The API as the resource that tokens for it are asked for (RFC 8707). Pure. */
export const apiResource = (issuer: string): string => `${issuer}${apiRoot}`;
