import { field, int32, list, map, message, required, type Static, string, uint32 } from "@xebec/model-schema";
import { Labels } from "../shared/shapes.ts";
import { WorkloadEntrySpec } from "../workload-entry/schema.ts";

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

const Probe = message("ReadinessProbe", {
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

const Metadata = message("WorkloadGroup.ObjectMeta", {
  labels: field(Labels, "Labels of each WorkloadEntry."),
  annotations: field(map(string()), "Annotations of each WorkloadEntry.", {
    noEffect: "nobody sees the WorkloadEntries of workloads that register themselves",
  }),
});

export const WorkloadGroupSpec = message("WorkloadGroup", {
  metadata: field(Metadata, "What the objects of its workloads have."),
  template: required(
    WorkloadEntrySpec,
    "What the WorkloadEntries of its workloads have; their address is the workload's own.",
  ),
  probe: field(
    Probe,
    "How the agent of a workload finds out whether it is healthy; the agent has it from its own configuration. With a probe a workload is called when it was reported as healthy.",
  ),
});
export type WorkloadGroupSpec = Static<typeof WorkloadGroupSpec>;
