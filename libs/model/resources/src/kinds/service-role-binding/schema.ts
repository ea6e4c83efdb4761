import { enumeration, field, list, map, message, required, type Static, string } from "@xebec/model-schema";

export const EnforcementMode = enumeration(["ENFORCED", "PERMISSIVE"]);

const Subject = message("Subject", {
  user: field(string(), "The caller's identity by mutual TLS, `TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT`; `*` is anybody."),
  group: field(string(), "A group that the request's token names in its claim `groups`."),
  properties: field(
    map(string()),
    "Attributes of the caller, all of which must match: `source.ip`, `source.namespace`, `source.principal`, `request.auth.principal`, `request.auth.audiences`, `request.auth.presenter`, `request.auth.claims[NAME]`, `request.headers[NAME]`.",
  ),
});

export const ServiceRoleBindingSpec = message("ServiceRoleBinding", {
  subjects: required(list(Subject, { minItems: 1 }), "Who has the role."),
  roleRef: required(
    message("RoleRef", {
      kind: required(string(), "`ServiceRole`."),
      name: required(string({ minLength: 1 }), "The name of a role of the same namespace."),
    }),
    "The role.",
  ),
  mode: field(EnforcementMode, "`PERMISSIVE` only counts what it would allow.", { default: "ENFORCED" }),
});
export type ServiceRoleBindingSpec = Static<typeof ServiceRoleBindingSpec>;
export type RbacSubject = Static<typeof Subject>;
