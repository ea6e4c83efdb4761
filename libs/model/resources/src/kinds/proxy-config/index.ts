import type { Kind } from "../../kind.ts";
import { ProxyConfigSpec } from "./schema.ts";

export const proxyConfig: Kind = {
  group: "networking.istio.io",
  kind: "ProxyConfig",
  plural: "proxyconfigs",
  versions: ["v1beta1"],
  shortNames: [],
  description:
    "Settings that a proxy starts with: of the mesh, of a namespace, or of selected workloads. Pods get them when they are injected.",
  schema: ProxyConfigSpec,
  columns: [],
  check: ({ selector }: ProxyConfigSpec, check) => {
    if (selector) check.selector(selector.matchLabels ?? {}, ["spec", "selector"]);
  },
};
