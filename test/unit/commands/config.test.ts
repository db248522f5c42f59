import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ConfigurationError, readEnvironment, readPersonConfig } from '../../../src/config.ts';

describe('the settings of somebody who logs in', () => {
  test.each([
    ['MANDATE_HOME', { MANDATE_HOME: '/m', XDG_CONFIG_HOME: '/x', HOME: '/h' }, '/m'],
    ['XDG_CONFIG_HOME', { XDG_CONFIG_HOME: '/x', HOME: '/h' }, '/x/mandate'],
    [
      'a relative XDG_CONFIG_HOME, which counts for nothing',
      { XDG_CONFIG_HOME: 'x', HOME: '/h' },
      '/h/.config/mandate',
    ],
    ['nothing', {}, join(homedir(), '.config', 'mandate')],
  ])('the folder follows %s', (_name, environment, home) => {
    expect(readPersonConfig(environment).home).toBe(home);
  });

  test('what only a server needs does not keep them from working', () => {
    expect(readPersonConfig({ NODE_ENV: 'production', ISSUER: 'https://auth.example' }).issuer).toBe(
      'https://auth.example',
    );
    expect(() => readPersonConfig({ MANDATE_HOME: 'relative' })).toThrow(
      'MANDATE_HOME: must be an absolute path',
    );
  });
});

describe('a file of settings', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mandate-env-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('gives what the environment does not say, and nothing but settings', async () => {
    const path = join(folder, '.env');
    await writeFile(path, 'PORT=4321\nBROWSER=/bin/stranger\nPATH=/nowhere\n');
    const environment = readEnvironment(path);
    expect(environment.PORT).toBe('4321');
    expect(environment.BROWSER).not.toBe('/bin/stranger');
    expect(environment.PATH).toBe(process.env.PATH);
  });

  test('need not be there, and is named where it cannot be read', () => {
    expect(readEnvironment(join(folder, 'nothing'))).toBe(process.env);
    expect(() => readEnvironment(folder)).toThrow(ConfigurationError);
  });
});
