/** R17: bent requests to every page and every form that an administrator finds, with the page's own token for the most part. */
import { expect, test } from '@jest/globals';
import { signIn } from '../support/account.ts';
import { engines } from '../support/databases.ts';
import { bentFormsEach, fuzz, fuzzingMayTake } from '../support/fuzz.ts';
import { pageRequests } from '../support/page-requests.ts';
import type { PlainRequest } from '../support/request-mutations.ts';

const each = bentFormsEach(4);
const from = ['/account/authorizations', '/account/api-keys/new', '/account/security', '/admin', '/device'];
const formsOf = (requests: readonly PlainRequest[]) =>
  requests.filter(({ method }) => method === 'POST').length;

test.each(engines)(
  `${each} bent requests to each page and form, on %s`,
  async (engine) => {
    const sent = await fuzz(engine, {
      scenario: 'every page and form of an administrator',
      each,
      async requests({ issuer }) {
        const requests = await pageRequests(await signIn(issuer, 'owner@acme.test'), issuer, from);
        expect(formsOf(requests)).toBeGreaterThan(20);
        return requests;
      },
      named: (requests) => `${requests.length - formsOf(requests)} pages and ${formsOf(requests)} forms`,
    });
    expect(sent.statuses.get(200)).toBeGreaterThan(sent.done / 10);
  },
  fuzzingMayTake,
);
