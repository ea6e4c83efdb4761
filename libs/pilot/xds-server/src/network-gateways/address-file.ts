import { isIP } from "node:net";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { readSealedJson, writeSealedJson } from "@xebec/platform-files";

const log = logger("networks");
const FORMAT = "gateway-addresses 1";

/** The last addresses of hosts, by host. */
export type KnownAddresses = ReadonlyMap<string, readonly string[]>;

/** Reads the addresses that an earlier process knew. A file that cannot be read is as good as none: hosts are looked up. */
export async function readAddresses(path: string): Promise<KnownAddresses> {
  try {
    const read = await readSealedJson<{ hosts: Record<string, readonly string[]> }>(path, FORMAT);
    return new Map(
      Object.entries(read?.value.hosts ?? {}).filter(([, each]) => each.every((address) => isIP(address))),
    );
  } catch (error) {
    log.warn({ err: error }, "the addresses of gateways' hosts of before cannot be read");
    return new Map();
  }
}

/** Keeps addresses for the next process. */
export async function writeAddresses(path: string, known: KnownAddresses): Promise<void> {
  try {
    await writeSealedJson(path, FORMAT, { hosts: Object.fromEntries(known) });
  } catch (error) {
    const { message } = XebecError.from(error);
    log.warn({ problem: message }, "the addresses of gateways' hosts cannot be kept for a restart");
  }
}
