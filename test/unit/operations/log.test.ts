import { expect, test } from '@jest/globals';
import { createLog } from '../../../src/operations/log.ts';

const token = 'Zk3vJmQ1w8fL0aTn5yXc7RbE2dUs9hGpKiOqWzVt4Mx';

function logged(members: object): string {
  const lines: string[] = [];
  createLog('debug', { write: (line: string) => void lines.push(line) }).warn(members, 'it happened');
  return lines.join('');
}

test('an error is its name, message, code and stack, and so is what caused it', () => {
  const cause = Object.assign(new Error('locked'), { code: 'SQLITE_BUSY' });
  const { err } = JSON.parse(logged({ err: new Error('not written', { cause }) })) as {
    err: Record<string, unknown>;
  };
  expect(err).toMatchObject({
    type: 'Error',
    message: 'not written',
    cause: { message: 'locked', code: 'SQLITE_BUSY' },
  });
  expect(err.stack).toContain('log.test.ts');
});

test('nothing that was hung on an error is logged', () => {
  const error = Object.assign(new Error('duplicate key'), {
    detail: `Key (token)=(${token}) already exists`,
    parameters: [token],
    request: { headers: { authorization: `Bearer ${token}` } },
  });
  expect(logged({ err: error })).not.toContain(token);
});

test('what looks like a secret is taken out of a message', () => {
  const text = logged({ err: new Error(`no grant for ${token}`, { cause: new Error(`mk_${token}aB3xZ9`) }) });
  expect(text).not.toContain(token);
  expect(text).toContain('no grant for [redacted]');
});

test('members that are named like a secret are blanked', () => {
  const text = logged({ password: 'hunter2hunter2', headers: { authorization: 'Basic x', cookie: 'y=z' } });
  expect(text).not.toMatch(/hunter2|Basic x|y=z/);
});

test('an error that refers to itself is described all the same', () => {
  const error: Error & { cause?: unknown } = new Error('round and round');
  error.cause = error;
  expect(logged({ err: error })).toContain('round and round');
  expect(logged({ err: 'only a text' })).toContain('only a text');
});
