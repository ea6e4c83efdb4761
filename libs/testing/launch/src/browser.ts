import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const INSTALL = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium"];

/**
 * A Chromium for tests; as root on Debian it is installed when it is missing.
 * @returns its path
 * @throws Error with the command that installs it
 */
export function findBrowser(): string {
  const found = onPath();
  if (found) return found;
  const [program = "", ...args] = INSTALL;
  if (process.getuid?.() === 0)
    try {
      execFileSync(program, ["update", "-q"], { stdio: "ignore" });
      execFileSync(program, args, { stdio: "ignore", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
    } catch {
      // Said below.
    }
  const installed = onPath();
  if (!installed) throw new Error(`no Chromium; as root on Debian: ${INSTALL.join(" ")}`);
  return installed;
}

/** Why a test with a browser cannot run; undefined when it can. With CI=true it has to run. */
export function browserMissing(): string | undefined {
  try {
    findBrowser();
    return undefined;
  } catch (error) {
    if (process.env.CI === "true") throw error;
    return (error as Error).message;
  }
}

function onPath(): string | undefined {
  for (const folder of (process.env.PATH ?? "").split(delimiter))
    for (const name of NAMES)
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        // Not there.
      }
  return undefined;
}
