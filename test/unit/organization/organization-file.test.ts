import { describe, expect, test } from '@jest/globals';
import {
  emptyOrganization,
  OrganizationFileError,
  parseOrganization,
  readOrganizationFile,
} from '../../../src/organization/organization-file.ts';
import { shippedFiles } from '../../../src/shipped-files.ts';

describe('an organization file', () => {
  test('that is empty mentions nothing', () => {
    expect(parseOrganization('')).toEqual(emptyOrganization);
    expect(parseOrganization('# nothing yet\n')).toEqual(emptyOrganization);
  });

  test('that ships is sound', () => {
    const demo = readOrganizationFile(shippedFiles().demo);
    expect(demo.users.map(({ email }) => email.split('@')[0])).toEqual([
      'owner',
      'admin',
      'editor',
      'viewer',
      'analyst',
      'ci',
    ]);
  });

  test.each([
    ['what is not YAML', 'users: [', /Flow sequence/],
    ['an unknown list', 'teams: []', /teams/],
    ['an unknown field', 'projects: [{ slug: a, name: A, colour: red }]', /colour/],
    ['a bad slug', 'projects: [{ slug: A B, name: A }]', /projects\.0\.slug: must be lower case/],
    ['a bad address', 'users: [{ email: nobody, name: A }]', /users\.0\.email/],
    [
      'a policy of half an hour',
      'policy: { longest_lifetimes: { oauth2: 30m } }',
      /policy\.longest_lifetimes\.oauth2: must be a time like 12h/,
    ],
    [
      'a policy on an address in the place of a host',
      "policy: { clients: { hosts: { 'https://tools.test': allow } } }",
      /policy\.clients\.hosts/,
    ],
    ['a rule for hosts that there is none of', 'policy: { clients: { hosts: { a.test: trust } } }', /hosts/],
    ['a short secret', 'clients: [{ id: a, metadata: {}, secret: short }]', /at least 16 characters/],
    [
      'a resource with a fragment',
      "resource_servers: [{ name: a, audiences: ['http://a/#b'] }]",
      /no fragment/,
    ],
    [
      'a resource that is no web address',
      "resource_servers: [{ name: a, audiences: ['urn:a'] }]",
      /audiences/,
    ],
    [
      'the same slug twice',
      'projects: [{ slug: a, name: A }, { slug: a, name: B }]',
      /projects: a is listed twice/,
    ],
    [
      'the same address in another case',
      'users: [{ email: a@acme.test, name: A }, { email: A@acme.test, name: B }]',
      /users: a@acme.test is listed twice/,
    ],
    [
      'a service account with a password',
      'users: [{ email: a@acme.test, name: A, kind: service_account, password: a long password }]',
      /has no password/,
    ],
    [
      'an authorization that nobody hands out',
      'clients: [{ id: a, metadata: {}, authorization: { capabilities: [] } }]',
      /no service_account/,
    ],
    [
      'a secret among the metadata',
      'clients: [{ id: a, metadata: { client_secret: x } }]',
      /belongs in secret/,
    ],
  ])('is refused for %s', (_, text, problem) => {
    expect(() => parseOrganization(text, 'acme.yaml')).toThrow(OrganizationFileError);
    expect(() => parseOrganization(text, 'acme.yaml')).toThrow(problem);
    expect(() => parseOrganization(text, 'acme.yaml')).toThrow(/^acme\.yaml: /);
  });

  test('never repeats a secret in a complaint', () => {
    const text =
      'users: [{ email: a@acme.test, name: A, password: 12345 }, { email: b, password: [hidden] }]';
    const complaint = () => {
      try {
        parseOrganization(text);
        return 'none';
      } catch (error) {
        return String(error);
      }
    };
    expect(complaint()).toMatch(/users\.0\.password/);
    expect(complaint()).not.toMatch(/hidden|12345/);
  });
});
