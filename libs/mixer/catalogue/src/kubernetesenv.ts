import { describeAdapter, duration, field, message, string } from "@xebec/mixer-sdk";

const Params = message("kubernetesenv.Params", {
  kubeconfigPath: field(string(), "Accepted and not read.", { noEffect: "workloads come from the bus" }),
  cacheRefreshDuration: field(duration(), "Accepted and not read.", { noEffect: "workloads come from the bus" }),
  clusterRegistriesNamespace: field(string(), "Accepted and not read.", { noEffect: "workloads come from the bus" }),
});

/** Istio's adapter that finds attributes of workloads (docs/reference/mixer.md §6.7). */
export const kubernetesenv = describeAdapter({
  name: "kubernetesenv",
  description: "finds attributes of workloads",
  templates: ["kubernetes"],
  config: Params,
  builtIn: "attributes of workloads are found by the service itself; the handler and its instances have no effect",
});
