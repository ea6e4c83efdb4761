import { enumeration, field, map, message, type Static } from "@xebec/model-schema";
import { WorkloadSelector } from "../shared/shapes.ts";

const Mtls = message("PeerAuthentication.MutualTLS", {
  mode: field(
    enumeration(["UNSET", "DISABLE", "PERMISSIVE", "STRICT"]),
    "What connections a workload accepts: plaintext only, both, or mutual TLS only. `UNSET` inherits from the namespace or the mesh.",
    { default: "UNSET" },
  ),
});

export const PeerAuthenticationSpec = message("PeerAuthentication", {
  selector: field(WorkloadSelector, "Workloads of the namespace that the object is for. Not in the root namespace."),
  mtls: field(Mtls, "The mode for all ports.", {
    defaultText: "that of the namespace, then that of the root namespace, then `PERMISSIVE`",
  }),
  portLevelMtls: field(
    map(Mtls, "^[1-9][0-9]{0,4}$"),
    "The mode for single ports of the workload. Needs a `selector`.",
  ),
});
export type PeerAuthenticationSpec = Static<typeof PeerAuthenticationSpec>;
export type MtlsMode = "DISABLE" | "PERMISSIVE" | "STRICT";
