/** Where the programs of other languages are that `run.ts` prepares, out of the way of the sources. */
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

export const sources = join(root, 'test/interop');
export const preparedFolder = join(root, 'node_modules/.cache/interop');
export const python = join(preparedFolder, 'python/bin/python');
/** The list of what was installed, once it was. */
export const pythonLibraries = join(preparedFolder, 'python/installed.txt');
export const goTool = join(preparedFolder, 'go-tool');
