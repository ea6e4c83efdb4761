import type { TSchema } from "typebox";
import type { Kind } from "./kind.ts";
import { MeshConfigSpec } from "./kinds/core.ts";
import { DestinationRuleSpec } from "./kinds/destination-rule.ts";
import { GatewaySpec } from "./kinds/gateway.ts";
import {
  ADAPTER_KINDS,
  AttributeManifestSpec,
  HandlerSpec,
  InstanceSpec,
  ParametersSpec,
  RuleSpec,
  TEMPLATE_KINDS,
} from "./kinds/mixer.ts";
import { PeerAuthenticationSpec } from "./kinds/peer-authentication.ts";
import { ServiceEntrySpec } from "./kinds/service-entry.ts";
import { VirtualServiceSpec } from "./kinds/virtual-service.ts";

const NETWORKING = ["v1alpha3", "v1beta1", "v1"];
const SECURITY = ["v1beta1", "v1"];

function define(
  group: string,
  kind: string,
  plural: string,
  versions: readonly string[],
  schema: TSchema,
  shortNames: readonly string[] = [],
): Kind {
  return { group, kind, plural, versions, schema, shortNames };
}
const mixer = (kind: string, plural: string, schema: TSchema): Kind =>
  define("config.istio.io", kind, plural, ["v1alpha2"], schema);
const plural = (kind: string): string =>
  /(s|x)$/.test(kind)
    ? `${kind}es`
    : kind.endsWith("y") && !/[aeiou]y$/.test(kind)
      ? `${kind.slice(0, -1)}ies`
      : `${kind}s`;

/** All kinds that are understood, in the order of their groups. */
export const KINDS: readonly Kind[] = [
  define("networking.istio.io", "VirtualService", "virtualservices", NETWORKING, VirtualServiceSpec, ["vs"]),
  define("networking.istio.io", "DestinationRule", "destinationrules", NETWORKING, DestinationRuleSpec, ["dr"]),
  define("networking.istio.io", "Gateway", "gateways", NETWORKING, GatewaySpec, ["gw"]),
  define("networking.istio.io", "ServiceEntry", "serviceentries", NETWORKING, ServiceEntrySpec, ["se"]),
  define("security.istio.io", "PeerAuthentication", "peerauthentications", SECURITY, PeerAuthenticationSpec, ["pa"]),
  mixer("rule", "rules", RuleSpec),
  mixer("handler", "handlers", HandlerSpec),
  mixer("instance", "instances", InstanceSpec),
  mixer("attributemanifest", "attributemanifests", AttributeManifestSpec),
  ...[...TEMPLATE_KINDS, ...ADAPTER_KINDS].map((kind) => mixer(kind, plural(kind), ParametersSpec)),
  define("mesh.xebec.io", "MeshConfig", "meshconfigs", ["v1"], MeshConfigSpec),
];

const byCollection = new Map(KINDS.map((kind) => [`${kind.group}/${kind.kind}`, kind]));

/** The kind of a group and kind name; undefined when it is not known. */
export function kindOf(group: string, kind: string): Kind | undefined {
  return byCollection.get(`${group}/${kind}`);
}

/** Finds a kind by what a user types: kind, plural, or short name, in any case. */
export function findKind(text: string): Kind | undefined {
  const wanted = text.toLowerCase().split(".")[0] as string;
  return KINDS.find(
    (kind) => kind.kind.toLowerCase() === wanted || kind.plural === wanted || kind.shortNames.includes(wanted),
  );
}
