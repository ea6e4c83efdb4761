import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Coalescer } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { writeFileAtomic } from "@xebec/platform-files";
import type { WorkloadIdentity } from "@xebec/platform-identity";
import { CERTIFICATE_FILES } from "./grpc-bootstrap.ts";

const log = logger("agent");
/** The app may run as any user. Nobody but the containers of the pod sees the volume, as with that of a Secret, which has this mode, too. */
const SHARED = 0o644;
const FOLDER = 0o755;

/**
 * Keeps the identity of the pod in files for its app (`OUTPUT_CERTS`): certificate, key and roots, written anew whenever they change.
 * @param folder a volume that agent and app share
 */
export function certificateFiles(identity: Pick<WorkloadIdentity, "identity" | "onChange">, folder: string): Component {
  let unwatch: (() => void) | undefined;
  let missing: readonly string[] = [`the certificate is not in ${folder} yet`];
  const write = new Coalescer(async () => {
    const { identity: current } = identity;
    if (!current) return;
    try {
      for (const part of ["key", "cert", "roots"] as const)
        await writeFileAtomic(join(folder, CERTIFICATE_FILES[part]), current[part], { mode: SHARED, sync: false });
      missing = [];
    } catch (error) {
      log.error(
        { err: error },
        "the certificate cannot be given to the app; mount a folder there that may be written to",
      );
      missing = [XebecError.from(error).message];
    }
  });
  return {
    name: "certificate files",
    async start() {
      await mkdir(folder, { recursive: true, mode: FOLDER });
      unwatch = identity.onChange(() => void write.request());
      await write.request();
    },
    missing: () => missing,
    async close() {
      unwatch?.();
    },
  };
}
