import { field, int32, list, message, type Path, required, type Static, string, uint32 } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";

const HttpHeader = message("HTTPHeader", {
  name: field(string(), "The name of the header."),
  value: field(string(), "The value of the header."),
});

const HttpGet = message("HTTPHealthCheckConfig", {
  path: field(string(), "The path that is asked for.", { default: "/" }),
  port: required(uint32({ minimum: 1, maximum: 65_535 }), "The port of the workload."),
  host: field(string(), "The host that is connected to.", { defaultText: "the workload's own address" }),
  scheme: field(string(), "`HTTP` or `HTTPS`.", { default: "HTTP" }),
  httpHeaders: field(list(HttpHeader), "Headers of the request."),
});

const TcpSocket = message("TCPHealthCheckConfig", {
  host: field(string(), "The host that is connected to.", { default: "localhost" }),
  port: required(uint32({ minimum: 1, maximum: 65_535 }), "The port of the workload."),
});

const Exec = message("ExecHealthCheckConfig", {
  command: required(list(string()), "The command, which succeeds when the workload is well."),
});

const Grpc = message("GrpcHealthCheckConfig", {
  port: field(uint32({ maximum: 65_535 }), "The port of the workload."),
  service: field(string(), "The service whose health is asked for."),
});

const seconds = () => int32({ minimum: 0 });

/** How an agent finds out whether its workload is healthy (docs/reference/pilot.md §1.8). */
export const ReadinessProbe = message("ReadinessProbe", {
  initialDelaySeconds: field(seconds(), "How long after its start the workload is probed first.", { default: 0 }),
  timeoutSeconds: field(seconds(), "How long a probe may take.", { default: 1 }),
  periodSeconds: field(seconds(), "The time between two probes.", { default: 10 }),
  successThreshold: field(seconds(), "How many probes in a row must succeed before the workload is healthy.", {
    default: 1,
  }),
  failureThreshold: field(seconds(), "How many probes in a row must fail before it is unhealthy.", { default: 3 }),
  httpGet: field(HttpGet, "Asks by HTTP. One of `httpGet`, `tcpSocket`, `exec` and `grpc` is required."),
  tcpSocket: field(TcpSocket, "Connects."),
  exec: field(Exec, "Runs a command."),
  grpc: field(Grpc, "Asks gRPC's health service."),
});
export type ReadinessProbe = Static<typeof ReadinessProbe>;

const PROBES = ["httpGet", "tcpSocket", "exec", "grpc"] as const;

/** Semantic rules of a probe (docs/reference/platform.md §3.11). */
export function checkReadinessProbe(probe: ReadinessProbe | undefined, path: Path, check: Checker): void {
  if (!probe) return;
  const [first, second] = PROBES.filter((each) => probe[each]);
  if (first === undefined) check.fail(path, `one of ${PROBES.join(", ")} is needed`);
  else if (second !== undefined) check.fail([...path, second], `cannot be together with ${first}`);
  const scheme = probe.httpGet?.scheme;
  if (scheme && !["http", "https"].includes(scheme.toLowerCase()))
    check.fail([...path, "httpGet", "scheme"], `must be HTTP or HTTPS, not ${scheme}`);
  for (const [i, { name }] of (probe.httpGet?.httpHeaders ?? []).entries())
    if (!name) check.fail([...path, "httpGet", "httpHeaders", i, "name"], "is required");
  if (probe.exec && probe.exec.command.length === 0) check.fail([...path, "exec", "command"], "must not be empty");
}
