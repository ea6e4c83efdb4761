import { enumeration, field, int32, list, message, required, type Static, string, struct } from "@xebec/model-schema";
import { PolicyTargetReference } from "../shared/policy-target.ts";
import { port, WorkloadSelector } from "../shared/shapes.ts";

const EnvVar = message("EnvVar", {
  name: required(string({ minLength: 1 }), "The name. No two may be equal."),
  valueFrom: field(
    enumeration(["INLINE", "HOST"]),
    "Whether `value` is the value, or the proxy's own variable of the name is.",
    { default: "INLINE" },
  ),
  value: field(string(), "The value, for `INLINE`."),
});

const TrafficSelector = message("WasmPlugin.TrafficSelector", {
  mode: field(
    enumeration({ UNDEFINED: 0, CLIENT: 1, SERVER: 2, CLIENT_AND_SERVER: 3 }),
    "What proxies do as clients (gateways, too), as servers, or both.",
    { default: "CLIENT_AND_SERVER" },
  ),
  ports: field(
    list(message("PortSelector", { number: required(port(), "The number of the port.") })),
    "Ports: of a service where proxies are clients, of the workload where they are servers.",
    { defaultText: "all" },
  ),
});

/** WasmPlugin (docs/reference/pilot.md §3.11). */
export const WasmPluginSpec = message("WasmPlugin", {
  selector: field(WorkloadSelector, "Workloads of the own namespace; of all namespaces in the root namespace."),
  targetRef: field(PolicyTargetReference, "The old form of `targetRefs`."),
  targetRefs: field(list(PolicyTargetReference), "Gateways of the Gateway API, instead of `selector`."),
  url: required(
    string({ minLength: 1 }),
    "The module: `file:///PATH` in the proxy's container, `https://…`, `http://…`, or an image, `oci://…`, also without `oci://`.",
  ),
  sha256: field(string(), "The SHA-256 of the module, 64 lower-case hexadecimal digits. Another module is refused."),
  imagePullPolicy: field(
    enumeration(["UNSPECIFIED_POLICY", "IfNotPresent", "Always"]),
    "Whether a module that was fetched before is fetched again when the plugin changes.",
    { defaultText: "`Always` for an image of the tag `latest`, else `IfNotPresent`" },
  ),
  imagePullSecret: field(string(), "The Secret of the plugin's namespace to sign in to the registry with."),
  verificationKey: field(string(), "The key of the image's signature.", {
    noEffect: "Istio does not verify signatures either; write sha256",
  }),
  pluginConfig: field(struct(), "The plugin's configuration. It gets it as JSON."),
  pluginName: field(string(), "Which plugin of the module (its root id)."),
  phase: field(
    enumeration(["UNSPECIFIED_PHASE", "AUTHN", "AUTHZ", "STATS"]),
    "Where it stands: before authentication, before authorization, behind authorization, or behind that.",
    { default: "UNSPECIFIED_PHASE" },
  ),
  priority: field(int32(), "Of a phase, the one with the highest number comes first."),
  failStrategy: field(
    enumeration(["FAIL_CLOSE", "FAIL_OPEN", "FAIL_RELOAD"]),
    "What becomes of traffic when the module cannot be had or fails: refused, let through, or refused until the module was started again.",
    { default: "FAIL_CLOSE" },
  ),
  vmConfig: field(
    message("VmConfig", { env: field(list(EnvVar), "Environment variables. At most 256.") }),
    "The virtual machine.",
  ),
  match: field(list(TrafficSelector), "For which traffic it is: what one of these matches.", { defaultText: "all" }),
  type: field(
    enumeration(["UNSPECIFIED_PLUGIN_TYPE", "HTTP", "NETWORK"]),
    "Whether it is a filter of HTTP or of connections.",
    { defaultText: "HTTP" },
  ),
});
export type WasmPluginSpec = Static<typeof WasmPluginSpec>;
