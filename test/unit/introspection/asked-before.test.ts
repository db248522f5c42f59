import { hash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createAskedBefore } from '../../../src/introspection/asked-before.ts';

const question = (name: string) => hash('sha256', name, 'base64');

test('a question was asked before from the second time on', () => {
  const before = createAskedBefore();
  expect(before.note(question('one'))).toBe(false);
  expect(before.note(question('two'))).toBe(false);
  expect(before.note(question('one'))).toBe(true);
});

test('what was asked long ago is forgotten', () => {
  const before = createAskedBefore(100);
  before.note(question('one'));
  for (let other = 0; other < 100; other += 1) before.note(question(`other ${other}`));
  expect(before.note(question('one'))).toBe(false);
});

test('few questions are taken for others', () => {
  const before = createAskedBefore();
  let mistaken = 0;
  for (let other = 0; other < 100_000; other += 1) if (before.note(question(String(other)))) mistaken += 1;
  expect(mistaken).toBeLessThan(1_000);
});
