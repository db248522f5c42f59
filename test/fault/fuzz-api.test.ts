/** R17: bent requests to every operation of the administration API, made from its own description. */
import { expect, test } from '@jest/globals';
import { signInToApi } from '../support/administrator.ts';
import { engines } from '../support/databases.ts';
import { describedRequests } from '../support/described-requests.ts';
import { bentFormsEach, fuzz, fuzzingMayTake, shareOf } from '../support/fuzz.ts';

const each = bentFormsEach(8);

test.each(engines)(
  `${each} bent requests to each operation, on %s`,
  async (engine) => {
    const sent = await fuzz(engine, {
      scenario: 'every operation of the administration API',
      each,
      async requests({ issuer: origin }) {
        const owner = await signInToApi(origin, 'owner@acme.test');
        const { cookie, csrf } = owner;
        const headers = { cookie, 'x-csrf-token': csrf, origin, 'sec-fetch-site': 'same-origin' };
        return describedRequests(owner, headers);
      },
      named: (requests) => `${requests.length} operations`,
    });
    // It would mean little if it were refused at the door.
    expect(shareOf(sent, 2)).toBeGreaterThan(sent.done / 20);
  },
  fuzzingMayTake,
);
