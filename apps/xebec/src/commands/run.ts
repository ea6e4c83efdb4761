import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { XebecError } from "@xebec/core-errors";
import { FOLLOW_PARENT } from "@xebec/core-lifecycle";
import { appEntry, NODE_ENVIRONMENT, SERVICE_NODE_FLAGS, SERVICES } from "@xebec/platform-local";
import { packageVersion } from "../package-version.ts";
import { ROOT } from "../paths.ts";

const RUNNABLE: readonly string[] = [...SERVICES, "istiod", "pilot-agent"];

/**
 * `xebec run SERVICE [flags]`: becomes the service. Its flags, signals and exit code are its own.
 * @throws XebecError invalid_argument for a service that there is none of
 */
export async function run(service: string, flags: readonly string[]): Promise<void> {
  if (!RUNNABLE.includes(service))
    throw new XebecError("invalid_argument", `there is no service "${service}"; there are ${RUNNABLE.join(", ")}`);
  const entry = appEntry(ROOT, `apps/${service}`);
  if (!existsSync(entry)) throw new XebecError("failed_precondition", `${join("apps", service)} has no program to run`);
  Object.assign(process.env, { XEBEC_VERSION: packageVersion(), ...NODE_ENVIRONMENT });
  // npx passes a signal on to the shell between, and not to what that has started.
  if (process.env.npm_command === "exec") process.env[FOLLOW_PARENT] = "1";
  // The same process becomes the service: no parent stays behind, and the heap is sized for a service.
  process.execve?.(process.execPath, [process.execPath, ...SERVICE_NODE_FLAGS, entry, ...flags], process.env);
  process.argv = [process.execPath, entry, ...flags];
  await import(pathToFileURL(entry).href);
}
