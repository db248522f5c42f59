/** What a start refuses to take from the environment. */
import { describe, expect, test } from '@jest/globals';
import { readConfig } from '../../src/config.ts';

describe('AUDIT_RETENTION_DAYS', () => {
  test('is nothing by default, and whole days from thirty on', () => {
    expect(readConfig({}).auditRetentionDays).toBeUndefined();
    expect(readConfig({ AUDIT_RETENTION_DAYS: '' }).auditRetentionDays).toBeUndefined();
    expect(readConfig({ AUDIT_RETENTION_DAYS: '30' }).auditRetentionDays).toBe(30);
  });

  test.each([
    ['0', 'must be from 30 to 36500'],
    ['29', 'must be from 30 to 36500'],
    ['36501', 'must be from 30 to 36500'],
    ['30.5', 'must be a whole number'],
    ['-30', 'must be a whole number'],
    ['90d', 'must be a whole number'],
  ])('%s keeps a server from starting', (AUDIT_RETENTION_DAYS, problem) => {
    expect(() => readConfig({ AUDIT_RETENTION_DAYS })).toThrow(`AUDIT_RETENTION_DAYS: ${problem}`);
  });
});
