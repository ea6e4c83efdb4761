import type { Any } from "@bufbuild/protobuf/wkt";
import { anyOf } from "@xebec/api-envoy";
import { ConfigSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state";
import { serviceRule } from "../../cluster/service-rule.ts";
import { effectivePolicy } from "../../cluster/traffic-policy.ts";
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
  route: (scope, { destinations }) => {
    const needed = destinations.flatMap((each) => needsAnnouncement(scope, each) ?? []);
    if (needed.length === 0) return undefined;
    return { name: alpn.name, message: announcement(), configKeys: needed.flatMap(({ configKeys }) => configKeys) };
  },
};

/**
 * Only servers of the mesh may see Istio's protocols.
 * @returns the keys of the DestinationRule that asks for mutual TLS, none where it is automatic; undefined when there is no need
 */
function needsAnnouncement(
  scope: Scope,
  { host, subset, port }: RouteDestination,
): { readonly configKeys: readonly string[] } | undefined {
  const service = scope.service(host);
  if (!service || !isAuto(service, port)) return undefined;
  const rule = serviceRule(scope, service);
  const mode = effectivePolicy(rule?.spec, subset, port).tls?.mode;
  if (mode === "ISTIO_MUTUAL") return { configKeys: rule?.keys ?? [] };
  return mode === undefined && !service.external ? { configKeys: [] } : undefined;
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
