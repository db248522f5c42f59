import type { ActiveIntrospection } from '../../../src/resource-server/index.ts';

/** A live token of the API, reaching atlas with flows:edit; `changes` replace fields. */
export function activeAnswer(changes: Partial<ActiveIntrospection> = {}): ActiveIntrospection {
  return {
    active: true,
    iss: 'https://mandate.example',
    token_type: 'Bearer',
    client_id: 'mandate-cli',
    sub: 'usr_1',
    username: 'editor@acme.test',
    aud: 'https://acme.example/api',
    iat: 1_790_000_000,
    exp: 1_790_003_600,
    scope: 'api flows:edit',
    authorization_id: 'az_1',
    authorization_kind: 'oauth2',
    authorization_version: 7,
    authorization_details: [
      { type: 'project', identifier: 'prj_1', slug: 'atlas', roles: ['editor'], actions: ['flows:edit'] },
      { type: 'project', identifier: 'prj_2', slug: 'borealis', roles: ['viewer'], actions: [] },
    ],
    withheld: [],
    ...changes,
  };
}
