import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { buildDeviceEntryPage } from '../../../src/interaction/device-page.ts';
import { normalizeUserCode } from '../../../src/interaction/user-code.ts';

test.each([
  'WDJB-MJHT',
  'wdjbmjht',
  ' wdjb mjht ',
  'w-d-j-b–m—j‑h-t',
  'WDJB\u00a0MJHT\n',
  'ＷＤＪＢ－ｍｊｈｔ',
  'WDJB\u200bMJHT',
])('reads %j as the code it is', (typed) => {
  expect(normalizeUserCode(typed)).toBe('WDJB-MJHT');
});

test.each([
  '',
  'WDJB-MJH',
  'WDJB-MJHTT',
  'WDJB-MJH0',
  'WDJB-MJHO',
  'WDJB-MJHA',
  'ßßßß',
  'WDJBMJß',
  '<script>',
  'W'.repeat(1_000_000),
])('takes %.40j for no code', (typed) => {
  expect(normalizeUserCode(typed)).toBeUndefined();
  expect(buildDeviceEntryPage({ action: '/', xsrf: '', typed }).userCode).toBe('');
});

test('is total, and reads its own answer as itself', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (typed) => {
      const code = normalizeUserCode(typed);
      if (code !== undefined) expect(normalizeUserCode(code)).toBe(code);
    }),
  );
});
