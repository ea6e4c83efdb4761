import { anyOf } from "@xebec/api-envoy";
import { FilterConfigSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy";
import { dnsCache } from "../../cluster/dynamic-forward-proxy.ts";
import type { HttpFilter } from "./http-filter.ts";
import { typedFilter } from "./typed-filter.ts";

/** Looks up the host of a request to a service with resolution DYNAMIC_DNS. Requests to other clusters pass. */
export const dynamicForwardProxy: HttpFilter = {
  name: "envoy.filters.http.dynamic_forward_proxy",
  phase: "upstream",
  listener: (scope, { kind }) =>
    kind !== "inbound" && scope.hasDynamicServices()
      ? typedFilter(
          dynamicForwardProxy.name,
          anyOf(FilterConfigSchema, {
            implementationSpecifier: { case: "dnsCacheConfig", value: dnsCache(scope) },
          }),
        )
      : undefined,
};
