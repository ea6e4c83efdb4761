// Bundles the programs, for a quick start.
import { makeCurrent, PROGRAMS } from "./bundles.mjs";
import { SetupError } from "./setup.mjs";

/** Bundles every app and the sample; nothing is done while no source has changed. */
export async function bundle() {
  const failure = await makeCurrent(PROGRAMS);
  if (failure !== undefined) throw new SetupError(`the programs cannot be bundled: ${failure}`);
}
