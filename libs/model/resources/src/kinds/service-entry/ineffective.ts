import { protocolByName } from "@xebec/model-names";
import type { Violation } from "@xebec/model-schema";
import { NOT_YET } from "../shared/not-yet.ts";
import type { ServiceEntrySpec } from "./schema.ts";

/** Ports that are not routed, and endpoints that cannot be reached. */
export function* ineffectiveInServiceEntry({ ports = [], endpoints = [] }: ServiceEntrySpec): Generator<Violation> {
  if (ports.length === 0) yield { path: ["spec", "ports"], message: "without ports nothing is routed" };
  for (const [i, { protocol }] of ports.entries())
    if (protocolByName(protocol ?? "") === "UDP") yield { path: ["spec", "ports", i], message: `UDP is ${NOT_YET}` };
  for (const [i, { address }] of endpoints.entries())
    if (!address) yield { path: ["spec", "endpoints", i], message: `has no address, and networks are ${NOT_YET}` };
}
