import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { environmentSchema } from '../../../src/config.ts';

describe('config/env.example and the settings agree', () => {
  const text = readFileSync(new URL('../../../config/env.example', import.meta.url), 'utf8');
  // A variable that is off by default stands there behind a `#`.
  const example = parseEnv(text.replace(/^#\s?(?=[A-Z][A-Z0-9_]*=)/gm, ''));
  const schema = Object.entries(environmentSchema.shape);

  test('every variable in one is in the other', () => {
    expect(Object.keys(example).sort()).toEqual(schema.map(([name]) => name).sort());
  });

  test.each(schema)('the example of %s is one that is taken', (name, field) => {
    const { error } = field.safeParse(example[name]);
    expect(error?.issues).toBeUndefined();
  });

  test('what is not commented out is taken as a whole', () => {
    const { error } = environmentSchema.safeParse(parseEnv(text));
    expect(error?.issues).toBeUndefined();
  });
});
