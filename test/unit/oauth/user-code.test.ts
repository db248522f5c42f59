import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { buildDeviceEntryPage } from '../../../src/interaction/device-page.ts';
import { normalizeUserCode } from '../../../src/oauth/user-code.ts';

test.each([
  'WDJBM-JHTXK',
  'wdjbmjhtxk',
  ' wdjbm jhtxk ',
  'w-d-j-b–m—j‑h-t-x-k',
  'WDJBM\u00a0JHTXK\n',
  'ＷＤＪＢＭ－ｊｈｔｘｋ',
  'WDJBM\u200bJHTXK',
])('reads %j as the code it is', (typed) => {
  expect(normalizeUserCode(typed)).toBe('WDJBM-JHTXK');
});

test.each([
  '',
  'WDJB-MJHT',
  'WDJBM-JHTX',
  'WDJBM-JHTXKK',
  'WDJBM-JHTX0',
  'WDJBM-JHTXO',
  'WDJBM-JHTXA',
  'ßßßßß',
  'WDJBMJHTß',
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
