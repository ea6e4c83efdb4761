import { type Json, list, object, string } from "@xebec/pilot-proxy-config";
import { inRange, matchesHeader, matchesMetadataValue, matchesString, metadataAt } from "./matchers.ts";
import { headerOf, metadataOf, pathOnly, type RequestToExplain } from "./request.ts";

/** What an authorization policy may ask of a caller. */
export interface Caller {
  /** `spiffe://cluster.local/ns/default/sa/web`; empty without mutual TLS. */
  readonly identity: string;
  /** Of the connection. */
  readonly address: string;
  /** Of the original client, by `x-forwarded-for`, where proxies before are trusted. */
  readonly originalAddress: string;
  readonly destinationAddress: string;
  readonly destinationPort: number;
  readonly serverName: string;
}

export interface RbacVerdict {
  readonly allowed: boolean;
  /** The policy that decided: the one that denies, or the one that allows; undefined when none matched. */
  readonly policy: string | undefined;
}

/** Evaluates the rules of Envoy's RBAC filters (envoy.config.rbac.v3.RBAC). @param rules the message in JSON */
export function evaluateRbac(rules: Json, request: RequestToExplain | undefined, caller: Caller): RbacVerdict {
  const policies = Object.entries((object(rules.policies) ?? {}) as Record<string, Json>).sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  const found = policies.find(
    ([, policy]) =>
      list(policy.permissions).some((each) => permits(each, request, caller)) &&
      list(policy.principals).some((each) => isPrincipal(each, request, caller)),
  )?.[0];
  // Envoy leaves out the default, ALLOW.
  const isAllow = rules.action === undefined || rules.action === "ALLOW";
  if (rules.action === "LOG") return { allowed: true, policy: found };
  return { allowed: isAllow ? found !== undefined : found === undefined, policy: found };
}

type Rule = (rule: Json, request: RequestToExplain | undefined, caller: Caller) => boolean;

const permits: Rule = (rule, request, caller) =>
  combined(rule, "rules", "rule", permits, request, caller) ??
  attributes(rule, request, caller) ??
  (rule.destination_ip !== undefined
    ? inRange(rule.destination_ip, caller.destinationAddress)
    : rule.destination_port !== undefined
      ? Number(rule.destination_port) === caller.destinationPort
      : rule.destination_port_range !== undefined
        ? inPortRange(object(rule.destination_port_range) ?? {}, caller.destinationPort)
        : rule.requested_server_name !== undefined
          ? matchesString(rule.requested_server_name, caller.serverName)
          : rule.uri_template !== undefined &&
            request !== undefined &&
            matchesTemplate(rule.uri_template, request.path));

const isPrincipal: Rule = (rule, request, caller) => {
  const result = combined(rule, "ids", "id", isPrincipal, request, caller) ?? attributes(rule, request, caller);
  if (result !== undefined) return result;
  const authenticated = object(rule.authenticated);
  if (authenticated) {
    if (caller.identity === "") return false;
    return authenticated.principal_name === undefined || matchesString(authenticated.principal_name, caller.identity);
  }
  for (const field of ["direct_remote_ip", "source_ip"])
    if (rule[field] !== undefined) return inRange(rule[field], caller.address);
  if (rule.remote_ip !== undefined) return inRange(rule.remote_ip, caller.originalAddress);
  const state = object(rule.filter_state);
  // Istio's proxies keep the caller's identity there.
  if (state) return matchesString(state.string_match, caller.identity);
  return false;
};

/** What permissions and principals have in common. @returns undefined when the rule is none of these */
function combined(
  rule: Json,
  several: string,
  one: string,
  evaluate: Rule,
  request: RequestToExplain | undefined,
  caller: Caller,
): boolean | undefined {
  if (rule.any === true) return true;
  const every = object(rule[`and_${several}`]);
  if (every) return list(every[several]).every((each) => evaluate(each, request, caller));
  const some = object(rule[`or_${several}`]);
  if (some) return list(some[several]).some((each) => evaluate(each, request, caller));
  const not = object(rule[`not_${one}`]);
  return not && !evaluate(not, request, caller);
}

function attributes(rule: Json, request: RequestToExplain | undefined, _caller: Caller): boolean | undefined {
  const header = object(rule.header);
  if (header) return request !== undefined && matchesHeader(header, (name) => headerOf(request, name));
  const path = object(rule.url_path);
  if (path) return request !== undefined && matchesString(path.path, pathOnly(request.path));
  const metadata = object(rule.metadata) ?? object(object(rule.sourced_metadata)?.metadata_matcher);
  if (!metadata) return undefined;
  const matched = matchesMetadataValue(metadata.value, metadataAt(request ? metadataOf(request) : {}, metadata));
  return matched !== (metadata.invert === true);
}

function inPortRange({ start, end }: Json, port: number): boolean {
  return port >= Number(start ?? 0) && port < Number(end ?? 0);
}

/** `/a/{*}/b`, `/a/{**}`, of envoy.extensions.path.match.uri_template.v3. */
function matchesTemplate(extension: unknown, path: string): boolean {
  const template = string(object(object(extension)?.typed_config)?.path_template);
  const pattern = template
    .split(/(\{\*\*\}|\{\*\}|\*\*|\*)/)
    .map((part) =>
      part === "{**}" || part === "**"
        ? ".*"
        : part === "{*}" || part === "*"
          ? "[^/]+"
          : part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"),
    )
    .join("");
  return new RegExp(`^${pattern}$`).test(pathOnly(path));
}
