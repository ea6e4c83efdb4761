import { anyOf } from "@xebec/api-envoy";
import { CorsPolicySchema, CorsSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/cors/v3/cors";
import type { HttpRoute } from "@xebec/model-resources";
import { ms } from "../../cluster/traffic-policy.ts";
import { millionths } from "../../route/percent.ts";
import { stringMatcher } from "../../route/string-match.ts";
import type { HttpFilter } from "./http-filter.ts";
import { typedFilter } from "./typed-filter.ts";

/** Cross-origin requests: a VirtualService's `corsPolicy` (docs/reference/pilot.md §3.1, CORS). */
export const cors: HttpFilter = {
  name: "envoy.filters.http.cors",
  phase: "traffic",
  listener: () => typedFilter(cors.name, anyOf(CorsSchema, {})),
  route: (_scope, { rule }) =>
    rule?.corsPolicy ? { name: cors.name, message: policyOf(rule.corsPolicy), configKeys: [] } : undefined,
};

const ANY_TEXT = { matchPattern: { case: "safeRegex" as const, value: { regex: ".*" } } };

function policyOf(policy: NonNullable<HttpRoute["corsPolicy"]>) {
  const maxAge = ms(policy.maxAge);
  const origins = [
    ...(policy.allowOrigins ?? []),
    ...(policy.allowOrigin ?? []).map((exact) => (exact === "*" ? { regex: ".*" } : { exact })),
  ];
  return anyOf(CorsPolicySchema, {
    allowOriginStringMatch: origins.map((each) => stringMatcher(each) ?? ANY_TEXT),
    allowMethods: (policy.allowMethods ?? []).join(","),
    allowHeaders: (policy.allowHeaders ?? []).join(","),
    exposeHeaders: (policy.exposeHeaders ?? []).join(","),
    maxAge: maxAge === undefined ? "" : String(Math.floor(maxAge / 1000)),
    ...(policy.allowCredentials === undefined ? {} : { allowCredentials: policy.allowCredentials }),
    ...(policy.unmatchedPreflights === "IGNORE" ? { forwardNotMatchingPreflights: false } : {}),
    filterEnabled: { defaultValue: millionths(100) },
  });
}
