import { StatusCode } from "@xebec/api-envoy/envoy/type/v3/http_status";
import { outboundCluster } from "@xebec/model-names";
import type { ExtAuthzGrpc, ExtAuthzHttp } from "@xebec/model-resources";
import type { Scope } from "../scope/scope.ts";

/** An external authorizer: an extension provider whose service the class can call. */
export type Authorizer = {
  readonly name: string;
  /** The cluster of its service. */
  readonly cluster: string;
  readonly host: string;
} & ({ readonly http: ExtAuthzHttp } | { readonly grpc: ExtAuthzGrpc });

/**
 * The authorizer of a name (docs/reference/pilot.md §3.9, `ext_authz` provider).
 * @returns undefined when the mesh configuration has none of this name, or the class cannot call its service
 */
export function authorizerOf(scope: Scope, name: string): Authorizer | undefined {
  const provider = scope.mesh.extensionProviders.find((each) => each.name === name);
  const { envoyExtAuthzHttp: http, envoyExtAuthzGrpc: grpc } = provider ?? {};
  const settings = http ?? grpc;
  if (!settings) return undefined;
  const { service, port, statusOnError } = settings;
  if (statusOnError && StatusCode[Number(statusOnError)] === undefined) return undefined;
  const slash = service.indexOf("/");
  const [namespace, host] = slash < 0 ? [undefined, service] : [service.slice(0, slash), service.slice(slash + 1)];
  // The cluster of a host is that of the service that the class sees.
  const found = scope.service(host);
  if (!found || (namespace !== undefined && found.namespace !== namespace)) return undefined;
  if (!found.ports.some((each) => each.number === port)) return undefined;
  const common = { name, host, cluster: outboundCluster(port, "", host) };
  return http ? { ...common, http } : grpc ? { ...common, grpc } : undefined;
}
