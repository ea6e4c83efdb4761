import { protocolByName } from "@xebec/model-names";
import type { Violation } from "@xebec/model-schema";
import type { ServiceEntrySpec } from "./schema.ts";

/** Protocols in which a client says which host it means. */
const NAMED: ReadonlySet<string> = new Set(["HTTP", "HTTP2", "GRPC", "GRPC-Web", "HTTPS", "TLS"]);

/** Ports that are not routed. */
export function* ineffectiveInServiceEntry({ ports = [], resolution }: ServiceEntrySpec): Generator<Violation> {
  if (ports.length === 0) yield { path: ["spec", "ports"], message: "without ports nothing is routed" };
  for (const [i, { protocol }] of ports.entries())
    if (protocolByName(protocol ?? "") === "UDP")
      yield { path: ["spec", "ports", i], message: "UDP is not routed, as in Istio" };
    else if (resolution === "DYNAMIC_DNS" && !NAMED.has(protocolByName(protocol ?? "") ?? ""))
      yield {
        path: ["spec", "ports", i],
        message: "with DYNAMIC_DNS the host is looked up that HTTP or TLS names; a port of bytes has none",
      };
}
