import { parseDuration } from "@xebec/core-duration";
import { ineffectiveFields, keyOf, type MeshConfigSpec, type Resource } from "@xebec/model-resources";
import type { SnapshotOptions } from "../../options.ts";
import { attached } from "../conditions.ts";
import type { ConfigKind } from "../kind.ts";
import { comparedLabels } from "../shared/failover-labels.ts";
import { type Mesh, type MeshState, meshKeys } from "./state.ts";

/** The one object that is the mesh configuration: whoever may write in another namespace must not change the whole mesh. */
const MESH_KEY = "mesh.xebec.io/MeshConfig/istio-system/mesh";

export const meshConfigKind = {
  group: "mesh.xebec.io",
  kind: "MeshConfig",
  keys: meshKeys,
  initial: (options): MeshState => ({ mesh: meshOf(options.mesh, options) }),
  make(resource, options) {
    const key = keyOf(resource);
    return key === MESH_KEY
      ? { ...meshOf((resource as Resource<MeshConfigSpec>).spec, options), configKey: key }
      : undefined;
  },
  selectorLabels: ({ localityLb }) => comparedLabels(localityLb.failoverPriority),
  replace({ state, changed }, _before, after, options) {
    state.mesh = after ?? meshOf(options.mesh, options);
    changed.add(meshKeys.mesh);
  },
  *parts({ mesh }) {
    yield [meshKeys.mesh, mesh];
  },
  *conditions({ mesh: { configKey, unsupportedFields } }) {
    if (configKey !== undefined) yield attached(configKey, unsupportedFields);
  },
} satisfies ConfigKind<Mesh, MeshState>;

/** @param spec absent means all defaults */
export function meshOf(
  spec: MeshConfigSpec | undefined,
  { domain, trustDomain, http10 = false, jwksFetch = "istiod" }: Omit<SnapshotOptions, "mesh">,
): Mesh {
  const normalization = spec?.pathNormalization?.normalization ?? "DEFAULT";
  return {
    unsupportedFields: spec ? ineffectiveFields("mesh.xebec.io", "MeshConfig", spec) : [],
    rootNamespace: spec?.rootNamespace ?? "istio-system",
    trustDomain: spec?.trustDomain || trustDomain,
    trustDomainAliases: spec?.trustDomainAliases ?? [],
    pathNormalization: normalization === "DEFAULT" ? "BASE" : normalization,
    extensionProviders: spec?.extensionProviders ?? [],
    domain,
    http10,
    jwksFetch,
    accessLogFile: spec?.accessLogFile ?? "",
    accessLogFormat: spec?.accessLogFormat ?? "",
    accessLogEncoding: spec?.accessLogEncoding ?? "TEXT",
    connectTimeoutMs: (spec?.connectTimeout && parseDuration(spec.connectTimeout)) || 10_000,
    autoMtls: spec?.enableAutoMtls ?? true,
    localityLb: spec?.localityLbSetting ?? {},
    allowAnyOutbound: spec?.outboundTrafficPolicy?.mode !== "REGISTRY_ONLY",
    policyCheckFailOpen: spec?.policyCheckFailOpen ?? false,
    disablePolicyChecks: spec?.disablePolicyChecks ?? false,
    disableReports: spec?.disableReports ?? false,
  };
}
