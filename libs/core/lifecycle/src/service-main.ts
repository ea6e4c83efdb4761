import { isXebecError } from "@xebec/core-errors";
import type { Component } from "./component.ts";
import { EXIT_CONFIG, failedStart } from "./failed-start.ts";
import { runService } from "./run-service.ts";

/**
 * Makes the components of a service and runs them. What is wrong before anything has started, for example a key file that is
 * not there, is reported in one line and ends the process with the exit code of a configuration error. Never returns.
 */
export async function serviceMain(
  name: string,
  build: () => Promise<readonly Component[]> | readonly Component[],
): Promise<never> {
  let components: readonly Component[];
  try {
    components = await build();
  } catch (error) {
    const code = failedStart(name, error);
    process.exit(isXebecError(error) ? EXIT_CONFIG : code);
  }
  return runService({ name, components });
}
