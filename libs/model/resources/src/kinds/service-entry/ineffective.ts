import { protocolByName } from "@xebec/model-names";
import type { Violation } from "@xebec/model-schema";
import type { ServiceEntrySpec } from "./schema.ts";

/** Ports that are not routed, and hosts that sidecars and gateways do not look up. */
export function* ineffectiveInServiceEntry({ ports = [], resolution }: ServiceEntrySpec): Generator<Violation> {
  if (resolution === "DYNAMIC_DNS")
    yield {
      path: ["spec", "resolution"],
      message: "DYNAMIC_DNS is for waypoints alone, as in Istio; sidecars and gateways route nothing to such hosts",
    };
  if (ports.length === 0) yield { path: ["spec", "ports"], message: "without ports nothing is routed" };
  for (const [i, { protocol }] of ports.entries())
    if (protocolByName(protocol ?? "") === "UDP")
      yield { path: ["spec", "ports", i], message: "UDP is not routed, as in Istio" };
}
