import { grpcCluster } from "../cluster/grpc-cluster.ts";
import type { EncodedResource } from "../encode/encoded.ts";
import { encoded } from "../encode/patched.ts";
import { encodedResource } from "../encode/resource.ts";
import { apiListener } from "../listener/grpc/api-listener.ts";
import { SERVER_LISTENER, serverListener } from "../listener/grpc/server-listener.ts";
import { grpcRouteTable } from "../route/grpc-route-table.ts";
import type { MeshProxy } from "../scope/proxy.ts";
import type { Scope } from "../scope/scope.ts";
import type { Workload } from "../scope/workload.ts";
import { endpoints } from "./eds.ts";
import { resourceSet } from "./resource-set.ts";
import type { ResourceRequest, ResourceType } from "./resource-type.ts";
import { resourceType } from "./resource-types.ts";

/**
 * The types for gRPC's own clients and servers, which need no proxy (docs/reference/pilot.md §2.3). They request everything by name,
 * and keep what they have until what replaces it is complete, so that nothing waits for anything else.
 */
const GRPC_TYPES: readonly ResourceType[] = [
  row("cluster", {
    complete: true,
    resources: (scope, { names }) => resourceSet(found(scope, "cds", names.names, cluster)),
  }),
  row("endpoint", { resources: endpoints }),
  row("listener", {
    complete: true,
    resources: (scope, request) => resourceSet(listeners(scope, request)),
  }),
  row("route", { resources: (scope, { names }) => resourceSet(found(scope, "rds", names.names, grpcRouteTable)) }),
];

function row(
  name: "cluster" | "endpoint" | "listener" | "route",
  own: Pick<ResourceType, "resources" | "complete">,
): ResourceType {
  const { typeUrl, shortName } = resourceType(name);
  return { name, typeUrl, shortName, subscription: "named", followsClusters: false, alwaysSubscribed: false, ...own };
}

/** The types of a client: those of the form that it asks for, else Envoy's. @param own Envoy's */
export function typesOf(
  { generator }: Pick<MeshProxy, "generator">,
  own: readonly ResourceType[],
): readonly ResourceType[] {
  return generator === "grpc" ? GRPC_TYPES : own;
}

function listeners(scope: Scope, request: ResourceRequest): EncodedResource[] {
  const { names } = request.names;
  const isServer = (name: string): boolean => name.startsWith(SERVER_LISTENER);
  const servers = names.filter(isServer);
  return [
    ...found(
      scope,
      "lds",
      names.filter((name) => !isServer(name)),
      client,
    ),
    ...(servers.length > 0 ? servers.flatMap((name) => server(scope, request.workload, name) ?? []) : []),
  ];
}

function client(scope: Scope, name: string): EncodedResource | undefined {
  const built = apiListener(scope, name);
  return built && encodedResource(name, encoded("listener", built), built.configKeys);
}

function server(scope: Scope, workload: Workload, name: string): EncodedResource | undefined {
  return scope.cachedFor(`lds/${name}`, workload, (inner, own) => {
    const built = serverListener(inner, own, name);
    return built && encodedResource(name, encoded("listener", built), built.configKeys);
  });
}

function cluster(scope: Scope, name: string): EncodedResource | undefined {
  const built = grpcCluster(scope, name);
  return built && encodedResource(name, encoded("cluster", built), built.configKeys);
}

/** The resources that there are of these names. Those that there are not are not cached: the number of such names is unbounded. */
function found(
  scope: Scope,
  kind: "cds" | "lds" | "rds",
  names: readonly string[],
  make: (scope: Scope, name: string) => EncodedResource | undefined,
): EncodedResource[] {
  return names.flatMap((name) => {
    const entry = `${kind}/${name}`;
    const isKnown = scope.isCached(entry) || make(scope, name) !== undefined;
    return (isKnown ? scope.cached(entry, (inner) => make(inner, name)) : undefined) ?? [];
  });
}
