import { expect, test } from '@jest/globals';
import {
  type AnswerRights,
  answerFor,
  inactive,
  sayAnswer,
  wordAnswer,
  writeAnswer,
} from '../../../src/introspection/answer.ts';
import { everyAudience, type FoundToken } from '../../../src/introspection/token.ts';
import { noLimits } from '../../../src/policy/limits.ts';

const issuer = 'http://localhost:4000';
const guarded = { api: true, mcpServers: new Set<string>() };
const forever = Number.POSITIVE_INFINITY;

const rights = (email: string, organization: string[], expiresAt: number | null): AnswerRights => ({
  authorization: { id: 'az_1', kind: 'oauth2', version: 1, expiresAt },
  owner: { user: { id: 'usr_1', email } },
  world: { catalogue: new Map(['api', 'apps:view'].map((name) => [name, {} as never])) },
  effective: { organization, projects: [], mcpServers: [], withheld: [] } as never,
  limits: noLimits,
  additions: [],
});

const token = (more: Partial<FoundToken>): FoundToken => ({
  authorizationId: 'az_1',
  clientId: 'acme-web',
  audience: 'http://localhost:4100/api',
  ceiling: undefined,
  issuedAt: 1_800_000_000,
  expiresAt: 1_800_003_600,
  jkt: undefined,
  ...more,
});

const tokens = [
  token({}),
  token({ audience: everyAudience, clientId: undefined, expiresAt: forever }),
  token({ clientId: ',"iat":1800000000,"exp":1800003600,', jkt: 'a thumbprint' }),
  token({ clientId: 'https://tool.example/client?"iat":1', ceiling: new Set(['api']) }),
  token({ audience: 'http://localhost:4100/"iat":1800000000,"exp":1800003600,' }),
];

test.each(
  ['editor@acme.test', ',"iat":1800000000,"exp":1800003600,@acme.test', 'bürger@acme.test'].flatMap((email) =>
    [null, 1_800_000_050].map((end) => ({ email, end })),
  ),
)('a wording says of other times what is written from the start: $email, $end', ({ email, end }) => {
  const held = rights(email, ['api', 'apps:view'], end);
  for (const one of tokens) {
    const { body, wording } = wordAnswer(issuer, one, held, guarded);
    expect(body).toBe(writeAnswer(answerFor(issuer, one, held, guarded)));
    if (!wording) throw new Error('no wording');
    for (const expiresAt of [1_800_000_020, 1_800_000_100, forever]) {
      const other = { ...one, issuedAt: 1_799_999_999, expiresAt };
      const said = sayAnswer(wording, other.issuedAt, Math.min(expiresAt, wording.endsAt));
      expect(said).toBe(writeAnswer(answerFor(issuer, other, held, guarded)));
      expect(() => JSON.parse(said)).not.toThrow();
    }
  }
});

test('the answer of inactive tokens has no wording', () => {
  const held = rights('editor@acme.test', [], null);
  expect(wordAnswer(issuer, token({}), held, guarded)).toEqual({ body: inactive, wording: undefined });
});
