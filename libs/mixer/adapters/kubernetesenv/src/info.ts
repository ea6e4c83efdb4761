import { describeAdapter, duration, field, message, string } from "@xebec/mixer-sdk";

const FROM_THE_BUS = "workloads come from the bus, where galley publishes those of all clusters";

/** Finds attributes of workloads (docs/reference/mixer.md §6.7). */
export const kubernetesenv = describeAdapter({
  name: "kubernetesenv",
  description: "finds attributes of workloads by uid or address",
  templates: ["kubernetes"],
  config: message("kubernetesenv.Params", {
    kubeconfigPath: field(string(), "Accepted and not read.", { noEffect: FROM_THE_BUS }),
    cacheRefreshDuration: field(duration(), "Accepted and not read.", { noEffect: FROM_THE_BUS }),
    clusterRegistriesNamespace: field(string(), "Accepted and not read.", { noEffect: FROM_THE_BUS }),
  }),
});
