import { writeSync } from 'node:fs';

const graceSeconds = 15;

/**
 * @typedef {object} Counters what of jest's aggregated result is counted here
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numRuntimeErrorTestSuites test files that could not run
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 */

/**
 * Counts what the runner counted, in one line that scripts can read.
 *
 * @param {Counters} results the runner's own counters
 * @returns {string} `N passed, N failed`, with `, N skipped` when tests were skipped; a test file that could not run is one failure
 */
function summaryLine(results) {
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
  const skipped = results.numPendingTests + results.numTodoTests;
  return `${results.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/**
 * Prints the summary line as the very last thing of the run.
 *
 * The line is written while the process exits, because the runner still prints (teardown, open handles) after it has
 * told its reporters that the run is complete.
 */
export default class LineReporter {
  /** @param {Set<unknown>} _contexts @param {Counters} results */
  onRunComplete(_contexts, results) {
    const line = summaryLine(results);
    // A test that leaves a server or a timer behind would keep the runner alive for ever.
    setTimeout(() => {
      writeSync(2, `the run was over ${graceSeconds} seconds ago, but a test left something open\n`);
      process.exit(1);
    }, graceSeconds * 1000).unref();
    process.once('exit', (code) => {
      if (code === 0 && !line.includes(' 0 failed')) process.exitCode = 1;
      writeSync(1, `${line}\n`);
    });
  }
}
