import type { RunServices } from './run-services.ts';

const holder = globalThis as { mandateRunServices?: RunServices };

/** Runs once after all tests: stops what the tests of this run started. */
export default async function teardown(): Promise<void> {
  await holder.mandateRunServices?.stop();
}
