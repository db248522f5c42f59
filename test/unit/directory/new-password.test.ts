import { describe, expect, test } from '@jest/globals';
import { checkNewPassword } from '../../../src/directory/new-password.ts';

describe('a new password', () => {
  test.each([
    ['seven77', 'too_short'],
    ['ööööööö', 'too_short'],
    ['x'.repeat(1_025), 'too_long'],
    ['ö'.repeat(513), 'too_long'],
  ])('%# is refused for its length', (password, problem) => {
    expect(checkNewPassword(password)).toBe(problem);
  });

  test.each([
    ['password', 'as it stands'],
    ['P@ssw0rd!', 'with letters that look alike'],
    ['Password2026!', 'with a year behind it'],
    ['1234567890', 'digits alone'],
    ['24.12.1987', 'a date'],
    ['qwertyuiop', 'a row of the keyboard'],
    ['1qaz2wsx', 'columns of the keyboard'],
    ['87654321', 'backwards'],
    ['aaaaaaaaaaaa', 'one letter'],
    ['abcabcabcabc', 'one piece again and again'],
    ['iloveyou123', 'a word and digits'],
    ['DragonMonkey1', 'two words'],
    ['Sommer2025', 'a season and a year'],
    ['l3tm31n!!', 'letters swapped for digits'],
    ['qwerty123456', 'two runs'],
  ])('%s is refused as common: %s', (password) => {
    expect(checkNewPassword(password)).toBe('common');
  });

  test.each([
    ['Ada.Lovelace1', { email: 'ada.lovelace@acme.test' }],
    ['lovelace-1815', { name: 'Ada Lovelace' }],
    ['ada@acme.test', { email: 'ada@acme.test' }],
  ])('%s is refused because it names the account', (password, about) => {
    expect(checkNewPassword(password, about)).toBe('names_account');
  });

  test.each([
    'correct horse battery staple',
    'zQ7v-Lm2x',
    'quiet lantern harbour',
    'vier alte Pflaumen am Zaun',
    '日本語のパスワード',
    'x7#kP!2mRt',
  ])('%s is taken', (password) => {
    expect(checkNewPassword(password, { email: 'ada@acme.test', name: 'Ada' })).toBeUndefined();
  });

  test('the longest one is looked at in no time', () => {
    const long = `${'password'.repeat(127)}aaaaaaa`;
    const before = performance.now();
    checkNewPassword(long);
    expect(performance.now() - before).toBeLessThan(100);
  });
});
