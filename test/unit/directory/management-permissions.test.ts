import { describe, expect, test } from '@jest/globals';
import { emailKey } from '../../../src/directory/email-key.ts';
import {
  isManagementPermission,
  managementPermissions,
} from '../../../src/directory/management-permissions.ts';

describe('management permissions', () => {
  test('are twelve, and no capability is one', () => {
    expect(managementPermissions).toHaveLength(12);
    expect(managementPermissions.every(isManagementPermission)).toBe(true);
    for (const name of ['api', 'mcp', 'toString', '', 'users.manage '])
      expect(isManagementPermission(name)).toBe(false);
  });
});

describe('LG-08: the key of an e-mail address', () => {
  test.each([
    ['Ada@Acme.test', 'ada@acme.test'],
    ['  ada@acme.test\t', 'ada@acme.test'],
    ['Ａｄａ@acme.test', 'ada@acme.test'],
    ['ADMİN@acme.test', 'admi̇n@acme.test'],
  ])('folds %j to %j', (written, key) => {
    expect(emailKey(written)).toBe(key);
    expect(emailKey(key)).toBe(key);
  });
});
