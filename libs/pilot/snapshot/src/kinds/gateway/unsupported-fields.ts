import { isHttp, protocolByName } from "@xebec/model-names";
import type { GatewayServer } from "@xebec/model-resources";
import { NOT_YET } from "../conditions.ts";
import type { Gateway } from "./state.ts";

// What is valid in a Gateway and yet has no effect, as `path: why`. A user must never have to wonder about a field.

export function unsupportedInGateway({ spec }: Gateway): string[] {
  return spec.servers.flatMap((server, i) => inServer(server, `spec.servers[${i}]`));
}

function inServer(server: GatewayServer, path: string): string[] {
  const protocol = protocolByName(server.port.protocol);
  if (!protocol || !isHttp(protocol)) return [`${path}: protocol ${server.port.protocol} is ${NOT_YET}`];
  const found: string[] = [];
  if (server.port.targetPort !== undefined) found.push(`${path}.port.targetPort: ${NOT_YET}`);
  for (const field of ["bind", "defaultEndpoint"] as const)
    if (server[field] !== undefined) found.push(`${path}.${field}: ${NOT_YET}`);
  for (const field of Object.keys(server.tls ?? {}))
    if (field !== "httpsRedirect") found.push(`${path}.tls.${field}: has no effect for protocol ${protocol}`);
  return found;
}
