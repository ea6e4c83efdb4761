import { credentialPaths, rulesWithCredentials } from "@xebec/pilot-snapshot";
import { type BoundServer, mergedServers, passesThrough } from "../listener/gateway/servers.ts";
import { gatewayTlsTargets } from "../route/gateway-l4.ts";
import type { Scope } from "../scope/scope.ts";
import type { Workload } from "../scope/workload.ts";
import { credentialResource, rootsResource } from "../security/credential-name.ts";
import { credentialProblem } from "../security/credential-problems.ts";
import { serverCredentials } from "../security/credential-users.ts";

/** What is left out of an object, or does not work, in the configuration of a proxy. */
export interface ObjectRemark {
  /** Key of the object. */
  readonly key: string;
  /** As `path: why`. */
  readonly text: string;
}

/** What a proxy's configuration leaves out of objects; for their conditions. Only routers have such. */
export function* objectRemarks(scope: Scope, workload: Workload): Generator<ObjectRemark> {
  if (scope.proxyClass.type !== "router") return;
  const { ports, leftOut } = mergedServers(scope, workload);
  for (const { gateway, reason } of leftOut) yield { key: gateway.key, text: reason };
  for (const { servers } of ports) {
    for (const bound of servers) yield* ofCredentials(scope, bound);
    yield* ofServerNames(scope, servers);
  }
  yield* ofRules(scope);
}

function* ofCredentials(scope: Scope, { gateway, server, index }: BoundServer): Generator<ObjectRemark> {
  if (!server.tls) return;
  const { keyPairs, roots } = serverCredentials(server.tls);
  for (const resource of [...keyPairs, ...(roots ? [roots] : [])]) {
    const problem = credentialProblem(scope, resource);
    if (problem) yield { key: gateway.key, text: `spec.servers[${index}].tls: ${problem}` };
  }
}

/** Of several `tls` rules for a server name on one port the first one counts. */
function* ofServerNames(scope: Scope, servers: readonly BoundServer[]): Generator<ObjectRemark> {
  const owners = new Map<string, string>();
  for (const bound of servers) {
    if (bound.server.tls?.mode === "AUTO_PASSTHROUGH" || !bound.server.tls || !passesThrough(bound.server.tls))
      continue;
    for (const { serverNames = [], configKeys } of gatewayTlsTargets(scope, bound))
      for (const name of serverNames) {
        const [key = ""] = configKeys;
        const owner = owners.get(name);
        if (owner === undefined) owners.set(name, key);
        else if (owner !== key)
          yield {
            key,
            text: `spec.tls: at ${bound.gateway.namespace}/${bound.gateway.name} an older rule has ${name}`,
          };
      }
  }
}

function* ofRules(scope: Scope): Generator<ObjectRemark> {
  for (const rule of scope.read(rulesWithCredentials)) {
    const [host = ""] = rule.hosts;
    const service = scope.service(host);
    if (!service || !scope.destinationRules(service).includes(rule)) continue;
    for (const { path, name, mode } of credentialPaths(rule.spec)) {
      const problem = credentialProblem(scope, mode === "SIMPLE" ? rootsResource(name) : credentialResource(name));
      if (problem) yield { key: rule.key, text: `${path}: ${problem}` };
    }
  }
}
