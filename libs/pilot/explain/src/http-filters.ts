import { type ConfigDump, type Json, list, object, string, typeOf } from "@xebec/pilot-proxy-config";
import { normalizedPath } from "./normalize.ts";
import type { RbacVerdict } from "./rbac.ts";
import type { RequestToExplain } from "./request.ts";
import type { Ending, Note } from "./way.ts";

const RBAC = "envoy.extensions.filters.http.rbac.v3.RBAC";
const PLUGIN = /^extensions\.istio\.io\/wasmplugin\/([^./]+)\.([^/]+)/;

/** The request as filters and routes of a proxy see it. */
export function normalized(
  manager: Json,
  request: RequestToExplain,
  proxy: string,
): { readonly request: RequestToExplain } | Ending {
  const found = normalizedPath(manager, request.path);
  if (found === "rejected") return { status: 400, reason: `${proxy} refuses the escaped slash in the path` };
  if (found === "redirected") return { status: 307, reason: `${proxy} redirects to the path with its slash unescaped` };
  return { request: { ...request, path: found.path } };
}

/**
 * The WasmPlugins that a request passes. What a module does is not evaluated; one whose module cannot be had is a filter that refuses
 * everything, or nothing.
 * @returns where the request ends because of one
 */
export function throughPlugins(dump: ConfigDump, manager: Json, note: Note): Ending | undefined {
  for (const filter of list(manager.http_filters)) {
    const name = string(filter.name);
    const [, namespace, plugin] = PLUGIN.exec(name) ?? [];
    if (!plugin) continue;
    const config = configOf(dump, filter);
    const what = `WasmPlugin ${namespace}/${plugin}`;
    if (typeOf(config) !== RBAC) {
      note(
        "filter",
        what,
        config ? "its module may change or answer the request; not evaluated" : "it has not come yet",
      );
      continue;
    }
    const refuses = config?.rules !== undefined;
    note(
      "filter",
      what,
      `its module cannot be had: ${refuses ? "every request is refused" : "requests pass without it"}`,
    );
    if (refuses) return { status: 403, reason: `${what} has no module, and its failStrategy refuses the request` };
  }
  return undefined;
}

function configOf(dump: ConfigDump, filter: Json): Json | undefined {
  const name = string(filter.name);
  return object(filter.typed_config) ?? object(dump.extensions.find((each) => each.name === name)?.typed_config);
}

/** What a policy says of the request, in words. */
export function describe(verdict: RbacVerdict, rules: Json, shadow: boolean): string {
  const by = verdict.policy ? ` by ${policyOf(verdict.policy)}` : "";
  return `${shadow ? "dry run: " : ""}${string(rules.action) || "ALLOW"}: ${verdict.allowed ? "allowed" : "denied"}${by}`;
}

export function policyOf(name: string): string {
  const found = /^ns\[(.*)\]-policy\[(.*)\]-rule\[(\d+)\]$/.exec(name);
  return found ? `rule ${found[3]} of AuthorizationPolicy ${found[1]}/${found[2]}` : name;
}

/** The rules of the RBAC filters of a connection manager, in order; those that only count are `shadow`. */
export function rbacFilters(dump: ConfigDump, manager: Json): { name: string; rules: Json; shadow: boolean }[] {
  return list(manager.http_filters).flatMap((filter) => {
    const name = string(filter.name);
    const config = configOf(dump, filter);
    if (typeOf(config) !== RBAC || PLUGIN.test(name)) return [];
    const [rules, shadow] = [object(config?.rules), object(config?.shadow_rules)];
    return [
      ...(rules ? [{ name, rules, shadow: false }] : []),
      ...(shadow ? [{ name, rules: shadow, shadow: true }] : []),
    ];
  });
}

/** Filters that may refuse a request by what only they know. */
const AT_RUN_TIME: Readonly<Record<string, string>> = {
  "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz": "an external authorizer",
  "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication": "the verification of tokens",
  "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit": "a rate limit",
  "envoy.extensions.filters.http.lua.v3.Lua": "a script",
  "envoy.extensions.filters.http.wasm.v3.Wasm": "a module of an EnvoyFilter",
};

export function runtimeFilters(dump: ConfigDump, manager: Json): { readonly name: string; readonly type: string }[] {
  return list(manager.http_filters).flatMap((filter) => {
    const name = string(filter.name);
    const config = configOf(dump, filter);
    const type = AT_RUN_TIME[typeOf(config)];
    if (type === undefined || PLUGIN.test(name)) return [];
    if (!name.startsWith("mixer.check/")) return [{ name, type }];
    // Without a rule for the service the filter is there, and off.
    if (config?.filter_enabled !== undefined) return [];
    return [
      {
        name,
        type: type === "a script" ? "Mixer's rules, which Envoy decides itself," : "mixer-policy, by Mixer's rules,",
      },
    ];
  });
}
