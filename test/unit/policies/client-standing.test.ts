import { describe, expect, test } from '@jest/globals';
import { standingOf } from '../../../src/policies/client-standing.ts';
import { clientRefusal } from '../../../src/policy/client-permission.ts';
import type { ClientPolicy } from '../../../src/policy/policy.ts';

const policy: ClientPolicy = { permitted: 'any', hosts: new Map([['evil.example', 'deny']]) };
const dynamic = (redirect: string) => ({
  id: 'tool',
  kind: 'dynamic' as const,
  verified: false,
  metadata: { redirect_uris: [redirect] },
});
const document = (id: string) => ({
  id,
  kind: 'metadata_document' as const,
  verified: true,
  metadata: { redirect_uris: ['http://localhost/callback'] },
});

describe('where a client lives', () => {
  test.each(['https://evil.example/cb', 'https://evil.example./cb', 'https://EVIL.example.:8443/cb'])(
    'is a denied host in any of its spellings: %s',
    (address) => {
      expect(clientRefusal(standingOf(dynamic(address)), policy)).toBe('host_denied');
      expect(clientRefusal(standingOf(document(address)), policy)).toBe('host_denied');
    },
  );

  test.each(['http://localhost/cb', 'http://localhost./cb', 'http://[::1]/cb', 'com.acme.tool:/cb'])(
    'is the person’s own computer, which no host vouches for: %s',
    (address) => {
      expect(standingOf(dynamic(address)).hosts).toEqual([null]);
    },
  );
});
