import type { DescMessage } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import { PolicySchema } from "@xebec/api-mesh/istio/authentication/v1alpha1/policy";
import { WasmPluginSchema } from "@xebec/api-mesh/istio/extensions/v1alpha1/wasm";
import { HTTPAPISpecBindingSchema, HTTPAPISpecSchema } from "@xebec/api-mesh/istio/mixer/v1/config/client/api_spec";
import { QuotaSpecBindingSchema, QuotaSpecSchema } from "@xebec/api-mesh/istio/mixer/v1/config/client/quota";
import { DestinationRuleSchema } from "@xebec/api-mesh/istio/networking/v1alpha3/destination_rule";
import { EnvoyFilterSchema } from "@xebec/api-mesh/istio/networking/v1alpha3/envoy_filter";
import { GatewaySchema } from "@xebec/api-mesh/istio/networking/v1alpha3/gateway";
import { ServiceEntrySchema } from "@xebec/api-mesh/istio/networking/v1alpha3/service_entry";
import { SidecarSchema } from "@xebec/api-mesh/istio/networking/v1alpha3/sidecar";
import { VirtualServiceSchema } from "@xebec/api-mesh/istio/networking/v1alpha3/virtual_service";
import { WorkloadEntrySchema } from "@xebec/api-mesh/istio/networking/v1alpha3/workload_entry";
import { WorkloadGroupSchema } from "@xebec/api-mesh/istio/networking/v1alpha3/workload_group";
import { ProxyConfigSchema } from "@xebec/api-mesh/istio/networking/v1beta1/proxy_config";
import {
  AttributeManifestSchema,
  HandlerSchema,
  InstanceSchema,
  RuleSchema,
} from "@xebec/api-mesh/istio/policy/v1beta1/cfg";
import {
  RbacConfigSchema,
  ServiceRoleBindingSchema,
  ServiceRoleSchema,
} from "@xebec/api-mesh/istio/rbac/v1alpha1/rbac";
import { AuthorizationPolicySchema } from "@xebec/api-mesh/istio/security/v1beta1/authorization_policy";
import { PeerAuthenticationSchema } from "@xebec/api-mesh/istio/security/v1beta1/peer_authentication";
import { RequestAuthenticationSchema } from "@xebec/api-mesh/istio/security/v1beta1/request_authentication";
import { TelemetrySchema } from "@xebec/api-mesh/istio/telemetry/v1alpha1/telemetry";
import { KINDS, type Kind } from "@xebec/model-resources";

/** A collection of MCP, and what is in it. */
export interface Collection {
  /** `istio/networking/v1alpha3/virtualservices`. */
  readonly name: string;
  /** Absent where nothing is published: of Kubernetes' own kinds galley excludes all, as Istio 1.1's does by default. */
  readonly kind?: Kind;
  /** The message of a body. */
  readonly body: DescMessage;
}

const RULES = "istio/policy/v1beta1";
const CLIENT = "istio/mixer/v1/config/client";
const CONFIG = "istio/config/v1alpha2";

/** Messages of the groups whose collections all have the same beginning; by the kind's name. */
const GROUPS: Readonly<
  Record<string, { readonly prefix: string; readonly kinds: Readonly<Record<string, DescMessage>> }>
> = {
  "networking.istio.io": {
    prefix: "istio/networking/v1alpha3",
    kinds: {
      ...{ DestinationRule: DestinationRuleSchema, EnvoyFilter: EnvoyFilterSchema, Gateway: GatewaySchema },
      ...{ ServiceEntry: ServiceEntrySchema, Sidecar: SidecarSchema, VirtualService: VirtualServiceSchema },
      ...{ WorkloadEntry: WorkloadEntrySchema, WorkloadGroup: WorkloadGroupSchema },
    },
  },
  "authentication.istio.io": {
    prefix: "istio/authentication/v1alpha1",
    kinds: { Policy: PolicySchema, MeshPolicy: PolicySchema },
  },
  "rbac.istio.io": {
    prefix: "istio/rbac/v1alpha1",
    kinds: {
      ...{ RbacConfig: RbacConfigSchema, ClusterRbacConfig: RbacConfigSchema },
      ...{ ServiceRole: ServiceRoleSchema, ServiceRoleBinding: ServiceRoleBindingSchema },
    },
  },
  "security.istio.io": {
    prefix: "istio/security/v1beta1",
    kinds: {
      ...{ AuthorizationPolicy: AuthorizationPolicySchema, PeerAuthentication: PeerAuthenticationSchema },
      RequestAuthentication: RequestAuthenticationSchema,
    },
  },
  "telemetry.istio.io": { prefix: "istio/telemetry/v1alpha1", kinds: { Telemetry: TelemetrySchema } },
  "extensions.istio.io": { prefix: "istio/extensions/v1alpha1", kinds: { WasmPlugin: WasmPluginSchema } },
};

/** Mixer's kinds that have a message of their own; all others are adapters and templates, whose bodies are Structs. */
const MIXER: Readonly<Record<string, readonly [prefix: string, body: DescMessage]>> = {
  ...{ rule: [RULES, RuleSchema], handler: [RULES, HandlerSchema], instance: [RULES, InstanceSchema] },
  ...{ attributemanifest: [RULES, AttributeManifestSchema], QuotaSpec: [CLIENT, QuotaSpecSchema] },
  ...{ QuotaSpecBinding: [CLIENT, QuotaSpecBindingSchema], HTTPAPISpec: [CONFIG, HTTPAPISpecSchema] },
  ...{ HTTPAPISpecBinding: [CONFIG, HTTPAPISpecBindingSchema] },
  ...{ adapter: [CONFIG, StructSchema], template: [CONFIG, StructSchema] },
};

function collectionOf(kind: Kind): Collection[] {
  const { group, plural } = kind;
  if (group === "config.istio.io") {
    const [prefix, body] = MIXER[kind.kind] ?? [`${CONFIG}/legacy`, StructSchema];
    return [{ name: `${prefix}/${plural}`, kind, body }];
  }
  if (kind.kind === "ProxyConfig")
    return [{ name: `istio/networking/v1beta1/${plural}`, kind, body: ProxyConfigSchema }];
  const known = GROUPS[group];
  const body = known?.kinds[kind.kind];
  // The mesh configuration is a file or a config map in Istio 1.1.
  return known && body ? [{ name: `${known.prefix}/${plural}`, kind, body }] : [];
}

/** Collections of Istio 1.1 in which galley has nothing. */
const EMPTY = [
  ...["k8s/core/v1/endpoints", "k8s/core/v1/nodes", "k8s/core/v1/pods", "k8s/core/v1/services"],
  ...["k8s/extensions/v1beta1/ingresses", `${CONFIG}/adapters`, `${CONFIG}/templates`],
];

const served = KINDS.flatMap(collectionOf);
const names = new Set(served.map(({ name }) => name));

/**
 * The collections that galley serves: those of Istio 1.1 with their names and messages (docs/reference/platform.md §3.6), and those of
 * today's kinds, with the names that Istio gave them later.
 */
export const COLLECTIONS: readonly Collection[] = [
  ...served,
  ...EMPTY.filter((name) => !names.has(name)).map((name) => ({ name, body: StructSchema })),
];

const byName = new Map(COLLECTIONS.map((each) => [each.name, each]));
const byKind = new Map(served.map((each) => [`${each.kind?.group}/${each.kind?.kind}`, each]));

/** The collection of that name; undefined when there is none. */
export function collectionNamed(name: string): Collection | undefined {
  return byName.get(name);
}

/** The collection that has the objects of a kind; undefined for the mesh configuration. */
export function collectionOfKind({
  group,
  kind,
}: {
  readonly group: string;
  readonly kind: string;
}): Collection | undefined {
  return byKind.get(`${group}/${kind}`);
}
