/** What the image and its compose file say, as far as it can be told without building them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { environmentSchema } from '../../../src/config.ts';

const root = join(import.meta.dirname, '../../..');
const read = (name: string) => readFileSync(join(root, name), 'utf8');
/** Instructions in order, those that go on over several lines as one. */
const instructions = read('Containerfile')
  .replaceAll(/\\\n\s*/g, ' ')
  .split('\n')
  .filter((line) => /^[A-Z]+ /.test(line))
  .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)] as const);
const from = instructions
  .map(([name], index) => (name === 'FROM' ? index : -1))
  .filter((index) => index >= 0);
const [building, running] = [instructions.slice(from[0], from[1]), instructions.slice(from[1])];

test('every file that the recipe takes is there', () => {
  const taken = instructions
    .filter(([name, rest]) => name === 'COPY' && !rest.startsWith('--from'))
    .flatMap(([, rest]) => rest.split(' ').slice(0, -1));
  expect(taken.length).toBeGreaterThan(5);
  expect(taken.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test('what runs needs no shell and no root, and has no more than the build, its settings and the native packages', () => {
  expect(running.some(([name]) => name === 'RUN')).toBe(false);
  expect(running.filter(([name]) => name === 'USER')).toEqual([['USER', '65532:65532']]);
  expect(running.map(([name]) => name).lastIndexOf('COPY')).toBeLessThan(
    running.map(([name]) => name).indexOf('USER'),
  );
  const [[, command = ''] = []] = running.filter(([name]) => name === 'CMD');
  expect(JSON.parse(command)).toContain('dist/server/cli.js');
  const native = running.flatMap(([, rest]) => rest.match(/node_modules\/(\S+) /)?.[1] ?? []);
  expect(native).toEqual(['better-sqlite3', '@node-rs']);
  expect(building.some(([name, rest]) => name === 'RUN' && rest === 'npm ci')).toBe(true);
});

test('the flags of Node are those of npm start, and those that the image compiled ahead for', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: { start: string } };
  const flagsIn = (text: string) => text.match(/--[a-z\d-]+=\d+/g)?.sort();
  const [[, command = ''] = []] = running.filter(([name]) => name === 'CMD');
  const [[, ahead = ''] = []] = building.filter(([, rest]) => rest.includes('compile-ahead'));
  expect(flagsIn(command)).toEqual(flagsIn(scripts.start));
  expect(flagsIn(ahead)).toEqual(flagsIn(command));
});

test('a file of secrets beside the recipe is not sent to whoever builds', () => {
  for (const name of ['.containerignore', '.dockerignore']) expect(read(name).split('\n')).toContain('.env*');
});

test('the compose file tells the server nothing that it does not read, and what mail, metrics and a new secret need', () => {
  const { environment } = parse(read('compose.yaml')).services.mandate as {
    environment: Record<string, string>;
  };
  const names = Object.keys(environment);
  expect(names.filter((name) => !(name in environmentSchema.shape))).toEqual([]);
  expect(names).toEqual(
    expect.arrayContaining(['SMTP_URL', 'MAIL_FROM', 'METRICS_TOKEN', 'MANDATE_SECRET_PREVIOUS']),
  );
});

test('the compose file runs it read-only and without capabilities, beside a PostgreSQL that nobody reaches from outside', () => {
  const { services } = parse(read('compose.yaml'));
  expect(services.mandate).toMatchObject({
    build: { dockerfile: 'Containerfile' },
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    environment: { DATABASE_URL: expect.stringMatching(/^postgres:/) },
    depends_on: { database: { condition: 'service_healthy' } },
  });
  for (const port of services.mandate.ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  expect(services.database).toMatchObject({ image: expect.stringMatching(/^postgres:/) });
  expect(services.database.ports).toBeUndefined();
  // Longer than a stop may take.
  expect(Number.parseInt(services.mandate.stop_grace_period, 10)).toBeGreaterThan(10);
});
