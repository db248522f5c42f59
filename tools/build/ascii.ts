/**
 * Writes whatever is not ASCII as an escape, which means the same in strings, templates and regular expressions. A file with a single
 * character beyond Latin-1 is kept in memory at two bytes a character, and takes longer to read: some 20 ms of a start for a few dashes.
 */
import type { Plugin } from 'rolldown';

/** Has every file of a bundle hold ASCII alone. */
export function inAscii(): Plugin {
  return {
    name: 'in-ascii',
    generateBundle(_options, files) {
      for (const file of Object.values(files)) {
        if (file.type === 'chunk') file.code = file.code.replace(/[\u0080-\uffff]/g, escaped);
      }
    },
  };
}

/** Of one half, where a character takes two. */
const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
