import { offerRunServices, type RunServices } from './run-services.ts';

/** Where the setup leaves the services for the teardown; jest loads the two as separate modules of one process. */
const holder = globalThis as { mandateRunServices?: RunServices };

/** Runs once before all tests. Nothing heavy starts here. */
export default async function setup(): Promise<void> {
  holder.mandateRunServices = await offerRunServices();
}
