import { isHttp, protocolByName } from "@xebec/model-names";
import type { Violation } from "@xebec/model-schema";
import { NOT_YET } from "../shared/not-yet.ts";
import type { GatewaySpec } from "./schema.ts";

/** Servers that are not plaintext HTTP, and what is said of TLS for those that are. */
export function* ineffectiveInGateway({ servers }: GatewaySpec): Generator<Violation> {
  for (const [i, { port, tls }] of servers.entries()) {
    const path = ["spec", "servers", i];
    const protocol = protocolByName(port.protocol);
    if (!protocol || !isHttp(protocol)) yield { path, message: `protocol ${port.protocol} is ${NOT_YET}` };
    else
      for (const field of Object.keys(tls ?? {}))
        if (field !== "httpsRedirect")
          yield { path: [...path, "tls", field], message: `has no effect for protocol ${protocol}` };
  }
}
