import { hash } from "node:crypto";
import { once } from "node:events";
import { realpathSync } from "node:fs";
import { createServer } from "node:net";
import { XebecError } from "@xebec/core-errors";

/**
 * Makes this process the only supervisor of a run directory for as long as it lives. The claim is a socket without a file, so it
 * ends with the process, however that ends.
 * @throws XebecError failed_precondition when another one runs
 */
export async function claimRunDirectory(runDir: string): Promise<void> {
  const server = createServer((socket) => socket.destroy());
  server.unref();
  server.listen(`\0xebec-${process.getuid?.()}-${hash("sha256", realpathSync(runDir), "hex")}`);
  try {
    await once(server, "listening");
  } catch (cause) {
    throw new XebecError(
      "failed_precondition",
      `another supervisor runs already in ${runDir}; end it with "xebec down"`,
      {
        cause,
      },
    );
  }
}
