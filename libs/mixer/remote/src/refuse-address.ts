import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { XebecError } from "@xebec/core-errors";
import type { HandlerLimits } from "@xebec/mixer-sdk";

/**
 * Checks whether handlers may call a host. A name that cannot be resolved now may be later: then the calls fail.
 * @param host a name or an IP address; IPv6 with or without brackets
 * @throws XebecError permission_denied
 */
export async function refuseHost(host: string, limits: HandlerLimits): Promise<void> {
  const name = host.replace(/^\[|\]$/g, "");
  const addresses = isIP(name)
    ? [name]
    : (await lookup(name, { all: true }).catch(() => [])).map((each) => each.address);
  for (const each of addresses) {
    const why = limits.addressRefusal(each);
    if (why !== undefined)
      throw new XebecError(
        "permission_denied",
        `${why}; the flag --handlerNetworks names networks that handlers may call`,
      );
  }
}
