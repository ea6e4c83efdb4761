import { field, int32, map, message, type Static, string } from "@xebec/model-schema";
import { WorkloadSelector } from "../shared/shapes.ts";

/** ProxyConfig (docs/reference/pilot.md §3.12). */
export const ProxyConfigSpec = message("ProxyConfigSpec", {
  selector: field(
    WorkloadSelector,
    "Workloads of the own namespace. One without it is for the namespace, or in the root namespace for the mesh.",
  ),
  concurrency: field(int32({ minimum: 0 }), "Worker threads of Envoy; 0: one for each core.", {
    defaultText: "`defaultConfig.concurrency` of the mesh configuration, else the injector's value",
  }),
  environmentVariables: field(
    map(string()),
    "Variables of the proxy, as `proxyMetadata`. Those of several levels are joined.",
  ),
  image: field(
    message("ProxyConfigSpec.ProxyImage", {
      imageType: field(string(), "The variant of the image: `default`, `debug` or `distroless`."),
    }),
    "The proxy's image.",
  ),
});
export type ProxyConfigSpec = Static<typeof ProxyConfigSpec>;
