import { enumeration, field, list, message, type Static, string } from "@xebec/model-schema";
import type { Kind } from "../../kind.ts";
import type { Checker } from "../../rules/checker.ts";
import { EnforcementMode } from "../service-role-binding/schema.ts";

const Target = message("RbacConfig.Target", {
  services: field(list(string({ minLength: 1 })), "Full names of services."),
  namespaces: field(list(string({ minLength: 1 })), "Namespaces, with all of their services."),
});

export const RbacConfigSpec = message("RbacConfig", {
  mode: field(
    enumeration(["OFF", "ON", "ON_WITH_INCLUSION", "ON_WITH_EXCLUSION"]),
    "For which services roles are asked for: none, all, those of `inclusion`, or all but those of `exclusion`. Without a role nobody may call them.",
    { default: "OFF" },
  ),
  inclusion: field(Target, "The services of mode `ON_WITH_INCLUSION`."),
  exclusion: field(Target, "The services that mode `ON_WITH_EXCLUSION` leaves out."),
  enforcementMode: field(EnforcementMode, "`PERMISSIVE` only counts what would be allowed and denied.", {
    default: "ENFORCED",
  }),
});
export type RbacConfigSpec = Static<typeof RbacConfigSpec>;

/** The one name that counts. */
const NAME = "default";

function checkRbacConfig({ mode, inclusion, exclusion }: RbacConfigSpec, check: Checker): void {
  if (mode === "ON_WITH_INCLUSION" && !inclusion)
    check.fail(["spec", "inclusion"], "is required with mode ON_WITH_INCLUSION; write {} for none");
  if (mode === "ON_WITH_EXCLUSION" && !exclusion)
    check.fail(["spec", "exclusion"], "is required with mode ON_WITH_EXCLUSION; write {} for none");
}

const common = {
  group: "rbac.istio.io",
  versions: ["v1alpha1"],
  shortNames: [],
  schema: RbacConfigSpec,
  columns: [],
  check: checkRbacConfig,
} as const;

const checkIdentity =
  (kind: string) =>
  ({ name }: { readonly name: string }, check: Checker): void =>
    check.require(name === NAME, ["metadata", "name"], `must be ${NAME}: no other ${kind} counts`);

export const clusterRbacConfig: Kind = {
  ...{ ...common, kind: "ClusterRbacConfig", plural: "clusterrbacconfigs", clusterScoped: true },
  description: "For which services ServiceRoles are asked for. Of Istio 1.1.",
  checkIdentity: checkIdentity("ClusterRbacConfig"),
};

export const rbacConfig: Kind = {
  ...{ ...common, kind: "RbacConfig", plural: "rbacconfigs" },
  description: "The older form of ClusterRbacConfig, which goes before it; in the root namespace alone. Of Istio 1.1.",
  checkIdentity: checkIdentity("RbacConfig"),
};
