import { anyOf } from "@xebec/api-envoy";
import { FilterConfigSchema } from "@xebec/api-envoy/envoy/extensions/filters/network/sni_dynamic_forward_proxy/v3/sni_dynamic_forward_proxy";
import { parseCluster } from "@xebec/model-names";
import { dnsCache } from "../../cluster/dynamic-forward-proxy.ts";
import type { NetworkFilter } from "./network-filter.ts";

/** Looks up the server name of a TLS connection to a service with resolution DYNAMIC_DNS. */
export const sniDynamicForwardProxy: NetworkFilter = {
  name: "envoy.filters.network.sni_dynamic_forward_proxy",
  phase: "protocol",
  chain: (scope, connection) => {
    if (connection.protocol !== "tcp" || connection.kind === "inbound" || !scope.hasDynamicServices()) return undefined;
    for (const { name } of connection.clusters) {
      const found = parseCluster(name);
      if (!found || scope.service(found.host)?.resolution !== "dynamic-dns") continue;
      const value = anyOf(FilterConfigSchema, {
        dnsCacheConfig: dnsCache(scope),
        portSpecifier: { case: "portValue", value: found.port },
      });
      return {
        name: sniDynamicForwardProxy.name,
        message: { configType: { case: "typedConfig", value } },
        configKeys: [],
      };
    }
    return undefined;
  },
};
