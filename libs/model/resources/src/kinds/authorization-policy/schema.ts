import { enumeration, field, list, message, required, type Static, string } from "@xebec/model-schema";
import { PolicyTargetReference } from "../shared/policy-target.ts";
import { WorkloadSelector } from "../shared/shapes.ts";

const values = () => list(string({ minLength: 1 }));

const Source = message("Source", {
  principals: field(
    values(),
    "Identities of the caller by mutual TLS, `TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT`. `*` alone, at the beginning or at the end is a wildcard, here and in most lists below.",
  ),
  notPrincipals: field(values(), "Identities that the caller must not have."),
  requestPrincipals: field(values(), "Issuer and subject of the request's token, `ISSUER/SUBJECT`."),
  notRequestPrincipals: field(values(), "Issuers and subjects that the request's token must not have."),
  namespaces: field(values(), "Namespaces of the caller's identity."),
  notNamespaces: field(values(), "Namespaces that the caller must not be in."),
  serviceAccounts: field(
    values(),
    "Service accounts of the caller, `NAMESPACE/ACCOUNT`, or `ACCOUNT` of the policy's own namespace. No wildcards.",
  ),
  notServiceAccounts: field(values(), "Service accounts that the caller must not have."),
  ipBlocks: field(values(), "Addresses or networks of whoever is connected to the proxy."),
  notIpBlocks: field(values(), "Addresses or networks that must not be connected to the proxy."),
  remoteIpBlocks: field(values(), "Addresses or networks of the original client, as `x-forwarded-for` says."),
  notRemoteIpBlocks: field(values(), "Addresses or networks that the original client must not have."),
});

const Operation = message("Operation", {
  hosts: field(values(), "Hosts of the request, in any case. HTTP only."),
  notHosts: field(values(), "Hosts that the request must not have. HTTP only."),
  ports: field(values(), "Numbers of the port of the workload."),
  notPorts: field(values(), "Numbers that the port of the workload must not have."),
  methods: field(values(), "Methods of the request. HTTP only."),
  notMethods: field(values(), "Methods that the request must not have. HTTP only."),
  paths: field(
    values(),
    "Paths of the request without the query. `{*}` is one segment, `{**}` any number of them. HTTP only.",
  ),
  notPaths: field(values(), "Paths that the request must not have. HTTP only."),
});

const Condition = message("Condition", {
  key: required(
    string({ minLength: 1 }),
    "The attribute: `request.headers[NAME]`, `source.ip`, `remote.ip`, `source.namespace`, `source.principal`, `source.serviceAccount`, `request.auth.principal`, `request.auth.audiences`, `request.auth.presenter`, `request.auth.claims[NAME]`, `destination.ip`, `destination.port`, `connection.sni` or `experimental.envoy.filters.FILTER[KEY]`.",
  ),
  values: field(values(), "The attribute has one of these values."),
  notValues: field(values(), "The attribute has none of these values."),
});

const Rule = message("Rule", {
  from: field(
    list(message("Rule.From", { source: required(Source, "All of its fields must match.") }), { minItems: 1 }),
    "Callers; one of them must match.",
    { defaultText: "any caller" },
  ),
  to: field(
    list(message("Rule.To", { operation: required(Operation, "All of its fields must match.") }), { minItems: 1 }),
    "Operations; one of them must match.",
    { defaultText: "any operation" },
  ),
  when: field(list(Condition), "Further conditions; all of them must match."),
});

export const AuthorizationPolicySpec = message("AuthorizationPolicy", {
  selector: field(
    WorkloadSelector,
    "Workloads that the policy is for: those of its namespace, or in the root namespace those of all.",
    { defaultText: "all workloads" },
  ),
  targetRef: field(PolicyTargetReference, "The same as one of `targetRefs`."),
  targetRefs: field(list(PolicyTargetReference), "Gateways of the Gateway API that the policy is for."),
  action: field(
    enumeration(["ALLOW", "DENY", "AUDIT", "CUSTOM"]),
    "What is done with requests that match. Once there is an `ALLOW` policy, what none of them matches is denied; `DENY` comes first, and `CUSTOM` before it.",
    { default: "ALLOW" },
  ),
  provider: field(
    message("AuthorizationPolicy.ExtensionProvider", {
      name: field(string(), "The name of one of MeshConfig's `extensionProviders`."),
    }),
    "The external authorizer that `CUSTOM` asks.",
  ),
  rules: field(list(Rule), "One of them must match. An empty rule matches everything.", {
    defaultText: "none: nothing matches",
  }),
});
export type AuthorizationPolicySpec = Static<typeof AuthorizationPolicySpec>;
export type AuthorizationRule = NonNullable<AuthorizationPolicySpec["rules"]>[number];
export type AuthorizationSource = Static<typeof Source>;
export type AuthorizationOperation = Static<typeof Operation>;
export type AuthorizationCondition = Static<typeof Condition>;
