import { existsSync } from 'node:fs';
import { describe, test } from '@jest/globals';

/** Describes what needs something of this machine; where that is not, it is skipped and says what is missing. @param needed paths */
export function describeWith(needed: readonly string[], name: string, stories: () => void): void {
  const missing = needed.filter((path) => !existsSync(path));
  if (missing.length === 0) {
    describe(name, stories);
    return;
  }
  const why = `needs ${missing.join(', ')}`;
  // The reporter does not name what is skipped.
  process.stderr.write(`${name} is skipped: it ${why}\n`);
  describe.skip(name, () => {
    test(why, () => {});
  });
}
