import { anyOf } from "@xebec/api-envoy";
import { RouterSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/router/v3/router";
import type { HttpFilter } from "./http-filter.ts";
import { typedFilter } from "./typed-filter.ts";

/** Forwards requests to the cluster of their route. */
export const router: HttpFilter = {
  name: "envoy.filters.http.router",
  phase: "router",
  listener: ({ proxyConfig: { proxyHeaders } }) =>
    typedFilter(
      router.name,
      anyOf(RouterSchema, proxyHeaders?.envoyDebugHeaders?.disabled ? { suppressEnvoyHeaders: true } : {}),
    ),
};
