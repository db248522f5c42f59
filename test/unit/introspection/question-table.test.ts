import { hash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createQuestionTable } from '../../../src/introspection/question-table.ts';

const question = (name: unknown) => hash('sha256', String(name), 'base64');
const megabyte = 1_024 * 1_024;
const always = () => true;
const about = (wording: number) => ({ wording, issuedAt: 1_800_000_000, expiresAt: 4_000_000_000 });

test('finds what was remembered, for as many questions as there are', () => {
  const table = createQuestionTable(10 * megabyte, always);
  for (let n = 1; n <= 20_000; n++) {
    table.set(question(n), { wording: n, issuedAt: n, expiresAt: 2 * n }, () => false);
  }
  for (let n = 1; n <= 20_000; n++) {
    expect(table.find(question(n))).toEqual({ wording: n, issuedAt: n, expiresAt: 2 * n });
  }
  for (let n = 20_001; n <= 40_000; n++) expect(table.find(question(n))).toBeUndefined();
  // Two places for each at most, beside what is left of the last doubling.
  expect(table.bytes).toBeLessThan(20_000 * 28 * 4);
});

test('takes two hashes that differ in one of the 128 bits that count for two questions', () => {
  const table = createQuestionTable(megabyte, always);
  const bytes = Buffer.from(question('one'), 'base64');
  const flipped = (bit: number) => {
    const other = Buffer.from(bytes);
    other.writeUInt8(other.readUInt8(bit >> 3) ^ (0x80 >> (bit & 7)), bit >> 3);
    return other.toString('base64');
  };
  table.set(bytes.toString('base64'), about(1), always);
  // Six base64 characters are 36 bits, of which 32 count.
  const counting = Array.from({ length: 144 }, (_, bit) => bit).filter((bit) => bit % 36 < 32);
  expect(counting).toHaveLength(128);
  for (const bit of counting) expect(table.find(flipped(bit))).toBeUndefined();
});

test('remembers a question anew in its own place', () => {
  const table = createQuestionTable(megabyte, always);
  table.set(question('one'), about(1), always);
  table.set(question('one'), { wording: 2, issuedAt: 3, expiresAt: Number.POSITIVE_INFINITY }, always);
  expect(table.find(question('one'))).toEqual({
    wording: 2,
    issuedAt: 3,
    expiresAt: Number.POSITIVE_INFINITY,
  });
  table.forgetFound();
  expect(table.find(question('one'))).toBeUndefined();
});

test.each([
  { issuedAt: -1, expiresAt: 5 },
  { issuedAt: 1.5, expiresAt: 5 },
  { issuedAt: 1, expiresAt: 2 ** 32 - 1 },
  { issuedAt: 1, expiresAt: 2 ** 40 },
  { issuedAt: Number.NaN, expiresAt: 5 },
])('leaves out what it could not say exactly: %p', (times) => {
  const table = createQuestionTable(megabyte, always);
  table.set(question('one'), { wording: 1, ...times }, always);
  expect(table.find(question('one'))).toBeUndefined();
});

test('stays within its bytes, and keeps what is asked for', () => {
  const table = createQuestionTable(100_000, always);
  for (let n = 1; n <= 200; n++) table.set(question(`hot ${n}`), about(n), always);
  let missed = 0;
  for (let n = 1; n <= 30_000; n++) {
    table.set(question(`once ${n}`), about(1_000_000 + n), always);
    const hot = 1 + (n % 200);
    const found = table.find(question(`hot ${hot}`));
    if (found) expect(found.wording).toBe(hot);
    else missed += 1;
    if (!found) table.set(question(`hot ${hot}`), about(hot), always);
  }
  expect(table.bytes).toBeLessThanOrEqual(100_000);
  expect(missed).toBeLessThan(1_500);
});

test('drives out nothing that it may not', () => {
  const table = createQuestionTable(60_000, always);
  for (let n = 1; n <= 10_000; n++) table.set(question(n), about(n), () => false);
  const kept = Array.from({ length: 10_000 }, (_, index) => index + 1).filter((n) => table.find(question(n)));
  for (let n = 10_001; n <= 20_000; n++) table.set(question(n), about(n), () => false);
  expect(kept.length).toBeGreaterThan(500);
  expect(kept.filter((n) => table.find(question(n))?.wording !== n)).toEqual([]);
});

test('once it may not grow, a question looks at no more than its own places', () => {
  let looked = 0;
  const table = createQuestionTable(200_000, () => {
    looked += 1;
    return true;
  });
  for (let n = 1; n <= 10_000; n++) table.set(question(n), about(n), always);
  looked = 0;
  for (let n = 10_001; n <= 11_000; n++) table.set(question(n), about(n), always);
  expect(looked).toBeLessThanOrEqual(16 * 1_000);
});

test('once it may not grow, what has ended makes room before anything that holds', () => {
  let oldest = 0;
  const table = createQuestionTable(200_000, (wording) => wording > oldest);
  for (let n = 1; n <= 10_000; n++) table.set(question(n), about(n), always);
  oldest = 10_000;
  let drivenOut = 0;
  for (let n = 10_001; n <= 11_000; n++) {
    table.set(question(n), about(n), () => {
      drivenOut += 1;
      return false;
    });
  }
  for (let n = 10_001; n <= 11_000; n++) expect(table.find(question(n))?.wording).toBe(n);
  expect(drivenOut).toBe(0);
});

test('what has expired or has no wording any more makes room before the table grows', () => {
  let oldest = 0;
  const table = createQuestionTable(10 * megabyte, (wording) => wording > oldest);
  let bytes = 0;
  for (let n = 1; n <= 100_000; n++) {
    oldest = n - 1_000;
    table.set(question(n), about(n), () => false);
    if (n === 10_000) bytes = table.bytes;
  }
  expect(table.bytes).toBeLessThanOrEqual(2 * bytes);
  for (let n = 99_001; n <= 100_000; n++) expect(table.find(question(n))?.wording).toBe(n);
});
