/** Where the JSON API is. */
export const apiRoot = '/api/v1';
