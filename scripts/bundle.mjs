// Bundles the programs, for a quick start.
import { makeCurrent, PROGRAMS } from "./bundles.mjs";
import { SetupError } from "./setup.mjs";

/** Bundles every app and the sample; nothing is done while no source has changed. */
export async function bundle() {
  const fault = await makeCurrent(PROGRAMS);
  if (fault !== undefined) throw new SetupError(`the programs cannot be bundled: ${fault}`);
}
