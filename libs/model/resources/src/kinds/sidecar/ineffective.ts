import type { Violation } from "@xebec/model-schema";
import type { SidecarSpec } from "./schema.ts";

/** Parts of a valid Sidecar that other parts of it leave without effect. */
export function* ineffectiveInSidecar(spec: SidecarSpec): Generator<Violation> {
  const { egress = [], ingress = [], inboundConnectionPool } = spec;
  for (const [path, pool] of [
    [["spec", "inboundConnectionPool"], inboundConnectionPool],
    ...ingress.map(({ connectionPool }, i) => [["spec", "ingress", i, "connectionPool"], connectionPool] as const),
  ] as const)
    if (pool?.http?.h2UpgradePolicy)
      yield { path: [...path, "http", "h2UpgradePolicy"], message: "is for connections to other workloads" };
  for (const [i, { port, bind, hosts }] of egress.entries()) {
    const path = ["spec", "egress", i];
    if (!port && bind) yield { path: [...path, "bind"], message: "has no effect without a port" };
    for (const [j, host] of hosts.entries())
      if (host.startsWith("~/") && hosts.length > 1)
        yield { path: [...path, "hosts", j], message: "imports nothing; the other hosts count" };
  }
  for (const [i, { tls }] of ingress.entries())
    if (tls && (tls.mode ?? "PASSTHROUGH") === "PASSTHROUGH")
      yield { path: ["spec", "ingress", i, "tls"], message: "mode PASSTHROUGH leaves TLS to the workload" };
}
