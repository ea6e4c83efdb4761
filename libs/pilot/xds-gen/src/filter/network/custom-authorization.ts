import { anyOf } from "@xebec/api-envoy";
import { ExtAuthzSchema } from "@xebec/api-envoy/envoy/extensions/filters/network/ext_authz/v3/ext_authz";
import { RBACSchema } from "@xebec/api-envoy/envoy/extensions/filters/network/rbac/v3/rbac";
import type { BuiltNetworkFilter } from "../../build/built.ts";
import { authorizerOf } from "../../security/authorizer.ts";
import { customRules } from "../custom-rules.ts";
import { tcpExtAuthz } from "../ext-authz.ts";
import type { NetworkFilter } from "./network-filter.ts";

type Config = Extract<BuiltNetworkFilter["message"]["configType"], { case: "typedConfig" }>["value"];

/** Asks external authorizers about connections without HTTP. Those that speak HTTP cannot be asked: then no policy of theirs counts. */
export const tcpCustomAuthorization: NetworkFilter = {
  name: "envoy.filters.network.ext_authz",
  phase: "customAuthorization",
  chain: (scope, connection) => {
    if (connection.protocol !== "tcp" || connection.kind === "outbound" || connection.clusters.length === 0) return [];
    return customRules(scope, true).flatMap(({ authorizer, filter, configKeys }) => {
      const entry = (name: string, value: Config): BuiltNetworkFilter => ({
        ...{ name, configKeys },
        message: { configType: { case: "typedConfig", value } },
      });
      const found = authorizerOf(scope, authorizer);
      const asking = found && tcpExtAuthz(found);
      if (found && !asking) return [];
      return [
        entry("envoy.filters.network.rbac", anyOf(RBACSchema, { ...filter, statPrefix: "tcp." })),
        ...(asking ? [entry(tcpCustomAuthorization.name, anyOf(ExtAuthzSchema, asking))] : []),
      ];
    });
  },
};
