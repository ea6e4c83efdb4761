import { describeAdapter, duration, field, message, string } from "@xebec/mixer-sdk";

const INSTEAD =
  "no handler of this adapter works in Istio 1.1; proxies decide by ClusterRbacConfig, ServiceRole and ServiceRoleBinding";

/** Mixer's own RBAC, which was only a stub in Istio 1.1 (docs/reference/mixer.md §6.8). */
export const rbac = describeAdapter({
  name: "rbac",
  description: "refuses to start, as in Istio 1.1: use AuthorizationPolicy, or ServiceRole and ServiceRoleBinding",
  templates: ["authorization"],
  config: message("rbac.Params", {
    configStoreUrl: field(string(), "Accepted and not read.", { noEffect: INSTEAD }),
    cacheDuration: field(duration(), "Accepted and not read.", { noEffect: INSTEAD }),
  }),
});
