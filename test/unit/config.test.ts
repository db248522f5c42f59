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

describe('MANDATE_WORKER_CORES', () => {
  test('names cores and ranges of them', () => {
    expect(readConfig({}).workerCores).toBeUndefined();
    expect(readConfig({ MANDATE_WORKER_CORES: '' }).workerCores).toBeUndefined();
    expect(readConfig({ MANDATE_WORKER_CORES: '2' }).workerCores).toEqual([2]);
    expect(readConfig({ MANDATE_WORKER_CORES: '0-2, 8' }).workerCores).toEqual([0, 1, 2, 8]);
  });

  test.each([
    ['3-1', '3-1 is no core, nor a range such as 0-3'],
    ['0,', 'an empty entry is no core, nor a range such as 0-3'],
    ['all', 'all is no core, nor a range such as 0-3'],
    ['-1', '-1 is no core, nor a range such as 0-3'],
    ['0-8192', '0-8192 is no core, nor a range such as 0-3'],
  ])('%s keeps a server from starting', (MANDATE_WORKER_CORES, problem) => {
    expect(() => readConfig({ MANDATE_WORKER_CORES })).toThrow(`MANDATE_WORKER_CORES: ${problem}`);
  });
});
