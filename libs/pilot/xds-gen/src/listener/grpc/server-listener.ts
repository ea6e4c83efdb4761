import { isIP } from "node:net";
import { anyOf } from "@xebec/api-envoy";
import { RBACSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/rbac/v3/rbac";
import { RouterSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/router/v3/router";
import type { BuiltFilterChain, BuiltHttpFilter, BuiltListener } from "../../build/built.ts";
import { router } from "../../filter/http/router.ts";
import { typedFilter } from "../../filter/http/typed-filter.ts";
import { httpConnectionManager } from "../../filter/network/http-connection-manager.ts";
import { TLS_MODE_LABEL } from "../../scope/proxy-class.ts";
import type { Scope } from "../../scope/scope.ts";
import type { ServiceTarget, Workload } from "../../scope/workload.ts";
import { grpcDownstreamTls } from "../../security/grpc-tls.ts";
import { mtlsDecision } from "../../security/mtls.ts";
import { envoyRbac } from "../../security/rbac/envoy-rbac.ts";
import { grpcRules } from "../../security/rbac/grpc-rules.ts";
import { socketAddress } from "../socket-address.ts";

/** The prefix of the names by which gRPC's servers request their listeners; the address follows, as `0.0.0.0:50051`. */
export const SERVER_LISTENER = "xds.istio.io/grpc/lds/inbound/";
const ADDRESS = /^\[?([^[\]]*)\]?:(\d{1,5})$/;

/**
 * The listener of a server of gRPC's own: whether it demands mutual TLS, and which calls it takes (docs/reference/pilot.md §3.7,
 * §3.9).
 * @param name `SERVER_LISTENER` and the address at which it listens
 * @returns undefined when no service has the port
 */
export function serverListener(scope: Scope, { targets }: Workload, name: string): BuiltListener | undefined {
  const [, address = "", digits] = ADDRESS.exec(name.slice(SERVER_LISTENER.length)) ?? [];
  const port = Number(digits);
  const target = isIP(address) ? targets.find(({ targetPort }) => targetPort === port) : undefined;
  if (!target) return undefined;
  return {
    name,
    message: { address: socketAddress(address, port) },
    filterChains: [chainOf(scope, target)],
    configKeys: [],
  };
}

function chainOf(scope: Scope, { targetPort }: ServiceTarget): BuiltFilterChain {
  const { namespace, labels } = scope.proxyClass;
  const { mode, configKey } = mtlsDecision(scope, namespace, labels, targetPort);
  // It cannot accept both: where clients are shown that it speaks mutual TLS, it demands it.
  const mutual = mode === "STRICT" || (mode === "PERMISSIVE" && labels[TLS_MODE_LABEL] === "istio");
  const routes = {
    name: "inbound",
    message: {},
    configKeys: [],
    virtualHosts: [
      {
        ...{ name: "inbound", domains: ["*"], message: {}, configKeys: [] },
        routes: [
          {
            message: {
              match: { pathSpecifier: { case: "prefix" as const, value: "/" } },
              action: { case: "nonForwardingAction" as const, value: {} },
            },
            configKeys: [],
          },
        ],
      },
    ],
  };
  const filters = [...authorization(scope), typedFilter(router.name, anyOf(RouterSchema, {}))];
  return {
    name: mutual ? "inbound-mtls" : "inbound-plaintext",
    message: mutual ? { transportSocket: grpcDownstreamTls() } : {},
    filters: [
      {
        ...{ name: httpConnectionManager.name, message: {}, configKeys: [] },
        http: { manager: {}, httpFilters: filters, routes },
      },
    ],
    configKeys: configKey ? [configKey] : [],
  };
}

function authorization(scope: Scope): BuiltHttpFilter[] {
  return grpcRules(scope).map(({ action, policies, configKeys }) => ({
    ...typedFilter(`envoy.filters.http.rbac/${action}`, anyOf(RBACSchema, { rules: envoyRbac(action, policies) })),
    configKeys,
  }));
}
