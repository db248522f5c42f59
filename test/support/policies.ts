/** The organization's policies, as a test sets them. */
import { expect } from '@jest/globals';
import { signInToApi } from './administrator.ts';
import type { TestMandate } from './mandate.ts';

/** Replaces the policies over the API, whatever they were, as somebody who has just signed in. */
export async function setPolicies({ issuer }: TestMandate, policy: object = {}) {
  const admin = await signInToApi(issuer, 'admin@acme.test');
  const now = await admin.call('GET', '/policies');
  const set = await admin.call('PUT', '/policies', policy, { 'if-match': String(now.headers.get('etag')) });
  expect(set).toMatchObject({ status: 200 });
}

/** Policies by which a capability needs an administrator's approval. */
export const needing = (name: string) => ({ capabilities: [{ name, needs_approval: true }] });
