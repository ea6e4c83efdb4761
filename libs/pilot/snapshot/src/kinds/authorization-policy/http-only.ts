import { type AuthorizationPolicySpec, type AuthorizationRule, conditionKey, isHttpOnly } from "@xebec/model-resources";

const SOURCE = ["requestPrincipals", "notRequestPrincipals"] as const;
const OPERATION = ["hosts", "notHosts", "methods", "notMethods", "paths", "notPaths"] as const;

/** A rule with attributes that connections without HTTP do not have. */
export interface HttpRule {
  /** `spec.rules[0]`. */
  readonly path: string;
  /** `to[0].operation.paths`. */
  readonly fields: readonly string[];
  /** The ports that it is limited to; undefined for any port. */
  readonly ports: ReadonlySet<string> | undefined;
}

/** The rules of a policy that say something of HTTP. */
export function httpRules({ rules = [] }: AuthorizationPolicySpec): HttpRule[] {
  return rules.flatMap((rule, i) => {
    const fields = httpFields(rule);
    return fields.length > 0 ? [{ path: `spec.rules[${i}]`, fields, ports: portsOf(rule) }] : [];
  });
}

function httpFields({ from = [], to = [], when = [] }: AuthorizationRule): string[] {
  return [
    ...from.flatMap(({ source }, i) =>
      SOURCE.filter((each) => source[each]?.length).map((each) => `from[${i}].source.${each}`),
    ),
    ...to.flatMap(({ operation }, i) =>
      OPERATION.filter((each) => operation[each]?.length).map((each) => `to[${i}].operation.${each}`),
    ),
    ...when.flatMap(({ key }, i) => {
      const known = conditionKey(key);
      return known && isHttpOnly(known) ? [`when[${i}]`] : [];
    }),
  ];
}

function portsOf({ to = [] }: AuthorizationRule): ReadonlySet<string> | undefined {
  if (to.length === 0 || !to.every(({ operation }) => operation.ports?.length)) return undefined;
  return new Set(to.flatMap(({ operation }) => operation.ports ?? []));
}
