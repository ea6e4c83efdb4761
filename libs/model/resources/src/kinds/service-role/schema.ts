import { field, list, message, required, type Static, string } from "@xebec/model-schema";

const values = (options: { readonly minItems?: number } = {}) => list(string({ minLength: 1 }), options);

const AccessRule = message("AccessRule", {
  services: required(
    values({ minItems: 1 }),
    "Full names of services; `*`, `*SUFFIX` and `PREFIX*` stand for several.",
  ),
  methods: field(values(), "Methods of the request. HTTP only.", { defaultText: "any" }),
  paths: field(values(), "Paths of the request, without the query. HTTP only.", { defaultText: "any" }),
  constraints: field(
    list(
      message("AccessRule.Constraint", {
        key: required(
          string({ minLength: 1 }),
          "`destination.ip`, `destination.port`, `destination.labels[NAME]`, `destination.name`, `destination.namespace`, `destination.user`, `request.headers[NAME]`, `connection.sni` or `experimental.envoy.filters.FILTER[KEY]`.",
        ),
        values: required(values({ minItems: 1 }), "The attribute has one of these values."),
      }),
    ),
    "Further conditions; all of them must match.",
  ),
});

export const ServiceRoleSpec = message("ServiceRole", {
  rules: required(list(AccessRule, { minItems: 1 }), "What whoever has the role may do."),
});
export type ServiceRoleSpec = Static<typeof ServiceRoleSpec>;
export type AccessRule = Static<typeof AccessRule>;
