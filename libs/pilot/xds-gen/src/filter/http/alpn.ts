import type { Any } from "@bufbuild/protobuf/wkt";
import { anyOf } from "@xebec/api-envoy";
import { ConfigSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state";
import type { MeshService } from "@xebec/pilot-registry";
import { effectivePolicy, mergedRule } from "../../cluster/traffic-policy.ts";
import { isAuto, MESH_HTTP } from "../../listener/sniffing.ts";
import type { Scope } from "../../scope/scope.ts";
import type { HttpFilter, RouteDestination } from "./http-filter.ts";
import { typedFilter } from "./typed-filter.ts";

/**
 * Announces HTTP in the TLS handshake with servers of the mesh whose ports declare no protocol, as Istio's filter `istio.alpn` does
 * (docs/reference/pilot.md §4.9).
 */
export const alpn: HttpFilter = {
  name: "envoy.filters.http.set_filter_state",
  phase: "upstream",
  listener: (_scope, { kind }) => (kind === "inbound" ? undefined : typedFilter(alpn.name, anyOf(ConfigSchema, {}))),
  route: (scope, { destinations }) =>
    destinations.some((each) => needsAnnouncement(scope, each)) ? { [alpn.name]: announcement() } : undefined,
};

function needsAnnouncement(scope: Scope, { host, subset, port }: RouteDestination): boolean {
  const service = scope.service(host);
  return service !== undefined && isAuto(service, port) && usesMeshTls(scope, service, subset, port);
}

/** Servers outside the mesh must not see Istio's protocols. */
function usesMeshTls(scope: Scope, service: MeshService, subset: string, port: number): boolean {
  const mode = effectivePolicy(mergedRule(scope.destinationRules(service))?.spec, subset, port).tls?.mode;
  return mode === "ISTIO_MUTUAL" || (mode === undefined && !service.external);
}

function announcement(): Any {
  const inlineString = `${MESH_HTTP[1]},istio`;
  return anyOf(ConfigSchema, {
    onRequestHeaders: [
      {
        key: { case: "objectKey", value: "envoy.network.application_protocols" },
        value: {
          case: "formatString",
          value: {
            format: { case: "textFormatSource", value: { specifier: { case: "inlineString", value: inlineString } } },
          },
        },
      },
    ],
  });
}
