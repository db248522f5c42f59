import { expect, test } from '@jest/globals';
import { presentsAssertions, withAssertions } from '../../../src/admin/api/client-assertions.ts';

const assertion = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

test.each<[string, string[] | undefined, string[]]>([
  ['beside the code grant', ['authorization_code', 'refresh_token'], ['authorization_code', 'refresh_token']],
  ['of a client that lists none, which has the code grant', undefined, ['authorization_code']],
  ['alone', [], []],
])('assertions %s: given, and taken back with nothing else', (_, before, others) => {
  const metadata = { client_name: 'Tool', ...(before && { grant_types: before }) };
  const on = withAssertions(metadata, true);
  expect(on).toEqual({ client_name: 'Tool', grant_types: [...others, assertion] });
  expect([presentsAssertions(metadata), presentsAssertions(on)]).toEqual([false, true]);
  expect(withAssertions(on, true)).toEqual(on);
  expect(withAssertions(on, false)).toEqual({ client_name: 'Tool', grant_types: others });
});
