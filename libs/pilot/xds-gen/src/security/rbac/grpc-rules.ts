import type { Scope } from "../../scope/scope.ts";
import type { Condition, RbacPolicy } from "./condition.ts";
import { quoted } from "./patterns.ts";
import { customPolicies, rbacRules, rulesOf } from "./rules.ts";

/** The rules of an action for a server of gRPC's own. */
export interface GrpcRules {
  readonly action: "ALLOW" | "DENY";
  readonly policies: readonly RbacPolicy[];
  readonly configKeys: readonly string[];
}

/**
 * The policies that a server of gRPC's own enforces by itself. It cannot ask anybody: what a CUSTOM policy would ask about is denied.
 * AUDIT and dry runs have nowhere to be reported.
 */
export function grpcRules(scope: Scope): readonly GrpcRules[] {
  return scope.cached("rbac/grpc", (inner) => {
    const custom = customPolicies(inner).filter(({ dryRun }) => !dryRun);
    const asked = custom.length > 0 ? [rulesOf(inner, custom, "DENY", false, "custom-")] : [];
    const denied = [rbacRules(inner, "DENY", false), ...asked].flatMap((each) => (each?.enforced ? [each] : []));
    const allowed = rbacRules(inner, "ALLOW", false);
    return [
      ...(denied.length > 0
        ? [
            {
              action: "DENY" as const,
              policies: denied.flatMap(({ enforced = [] }) => enforced.map(forGrpc)),
              configKeys: denied.flatMap(({ configKeys }) => configKeys),
            },
          ]
        : []),
      ...(allowed?.enforced
        ? [{ action: "ALLOW" as const, policies: allowed.enforced.map(forGrpc), configKeys: allowed.configKeys }]
        : []),
    ];
  });
}

function forGrpc({ name, permissions, principals }: RbacPolicy): RbacPolicy {
  return { name, permissions: permissions.map(withoutTemplates), principals: principals.map(withoutTemplates) };
}

/** gRPC's RBAC has no templates of paths, and takes what it does not know for a rule that never matches. */
function withoutTemplates(condition: Condition): Condition {
  switch (condition.kind) {
    case "not":
      return { kind: "not", of: withoutTemplates(condition.of) };
    case "all":
    case "some":
      return { kind: condition.kind, of: condition.of.map(withoutTemplates) };
    case "pathTemplate":
      return { kind: "path", match: { regex: templateRegex(condition.template) } };
    default:
      return condition;
  }
}

/** `*` is one segment, `**` any number of characters. */
function templateRegex(template: string): string {
  return template
    .split(/(\*\*|\*)/)
    .map((part) => (part === "**" ? ".*" : part === "*" ? "[^/]+" : quoted(part)))
    .join("");
}
