import { expect, test } from '@jest/globals';
import { createChangeLedger } from '../../../src/changes/change-ledger.ts';

const change = (subject: string, id: string) => ({ subject, subject_id: id });

test('what was read before a change of its subject no longer holds; what was read after it does', () => {
  const ledger = createChangeLedger();
  const before = ledger.position;
  ledger.note([change('user', 'usr_1')]);
  expect(ledger.unchangedSince(before, ['user:usr_1'])).toBe(false);
  expect(ledger.unchangedSince(before, ['role:rol_1', 'user:usr_1'])).toBe(false);
  expect(ledger.unchangedSince(ledger.position, ['user:usr_1'])).toBe(true);
});

test('a change of one subject leaves what depends on others', () => {
  const ledger = createChangeLedger();
  const before = ledger.position;
  ledger.note([change('user', 'usr_1')]);
  expect(ledger.unchangedSince(before, ['user:usr_2', 'project:usr_1', 'project:*'])).toBe(true);
});

test('any change of a kind counts for whoever depends on all of the kind', () => {
  const ledger = createChangeLedger();
  const before = ledger.position;
  ledger.note([change('project', 'prj_1')]);
  expect(ledger.unchangedSince(before, ['project:*'])).toBe(false);
});

test('what is older than the ledger remembers counts as changed', () => {
  const ledger = createChangeLedger(10);
  const before = ledger.position;
  for (let n = 0; n < 9; n++) ledger.note([change('user', `usr_${n}`)]);
  expect(ledger.unchangedSince(before, ['role:rol_1'])).toBe(true);
  const middle = ledger.position;
  for (let n = 9; n < 12; n++) ledger.note([change('user', `usr_${n}`)]);
  expect(ledger.unchangedSince(before, ['role:rol_1'])).toBe(false);
  expect(ledger.unchangedSince(middle, ['role:rol_1'])).toBe(true);
});

test('nothing holds after everything was forgotten, until it is read again', () => {
  const ledger = createChangeLedger();
  const before = ledger.position;
  ledger.forget();
  expect(ledger.unchangedSince(before, [])).toBe(false);
  expect(ledger.unchangedSince(ledger.position, ['user:usr_1'])).toBe(true);
});
