import { existsSync } from "node:fs";
import { XebecError } from "@xebec/core-errors";
import { signToken } from "@xebec/model-pki";
import { loadOrCreateTokenKey } from "@xebec/platform-identity";
import { print } from "../output.ts";

/** `xebec ca token`: a bootstrap token for a service account, signed with the key in citadel's directory. */
export async function caToken(options: {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly storageDir: string;
  /** Seconds. */
  readonly lifetime: number;
}): Promise<number> {
  if (!existsSync(options.storageDir))
    throw new XebecError(
      "invalid_argument",
      `--storage-dir ${options.storageDir} does not exist; name citadel's directory`,
    );
  const key = await loadOrCreateTokenKey(options.storageDir);
  print(signToken(key, options, options.lifetime));
  return 0;
}
