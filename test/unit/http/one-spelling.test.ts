import { expect, test } from '@jest/globals';
import { spelledOnce } from '../../../src/http/one-spelling.ts';

test.each([
  ['/device/', '/device'],
  ['/DEVICE/Auth', '/device/auth'],
  ['/Device/UiD', '/device/UiD'],
  ['/Session/End/Confirm/', '/session/end/confirm'],
  ['/Register/DCR_x', '/register/DCR_x'],
  ['/.well-known/openid-configuration/', '/.well-known/openid-configuration'],
  ['/', '/'],
  ['//', '/'],
  ['///', '/'],
  ['/token//', '/token'],
  ['/Session/End///', '/session/end'],
  ['/token', '/token'],
])('%s is %s to whatever compares paths', (path, spelled) => {
  expect(spelledOnce(path)).toBe(spelled);
});
