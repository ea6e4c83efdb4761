import {
  anything,
  double,
  enumeration,
  field,
  list,
  message,
  required,
  type Static,
  string,
  uint32,
} from "@xebec/model-schema";
import { ExportTo, Labels, PortSelector, WorkloadSelector } from "../shared/shapes.ts";
import { ClientTls } from "./client-tls.ts";
import { ConnectionPool } from "./connection-pool.ts";
import { LoadBalancer } from "./load-balancer.ts";
import { OutlierDetection } from "./outlier-detection.ts";

const parts = {
  loadBalancer: field(LoadBalancer, "How endpoints are chosen."),
  connectionPool: field(ConnectionPool, "Limits and times of connections and requests."),
  outlierDetection: field(OutlierDetection, "Ejects endpoints that fail.", { defaultText: "no endpoint is ejected" }),
  tls: field(ClientTls, "TLS of connections to the endpoints.", {
    defaultText: "mutual TLS with endpoints that have a proxy, plaintext with others",
  }),
};

const PortTrafficPolicy = message("TrafficPolicy.PortTrafficPolicy", {
  port: required(PortSelector, "The port of the service."),
  ...parts,
});

const Tunnel = message("TrafficPolicy.TunnelSettings", {
  protocol: field(string(), "`CONNECT` or `POST`: the method of the request that opens the tunnel.", {
    default: "CONNECT",
  }),
  targetHost: field(string(), "The host that the proxy behind the service connects to. Required."),
  targetPort: field(uint32({ maximum: 65_535 }), "Its port. Required."),
});

const ProxyProtocol = message("TrafficPolicy.ProxyProtocol", {
  version: field(enumeration(["V1", "V2"]), "The version of the header.", { default: "V1" }),
});

const RetryBudget = message("TrafficPolicy.RetryBudget", {
  percent: field(double({ minimum: 0, maximum: 100 }), "How many of the requests that are under way may be retries.", {
    default: 20,
  }),
  minRetryConcurrency: field(uint32(), "How many retries at a time are always allowed.", { default: 3 }),
});

export const TrafficPolicy = message("TrafficPolicy", {
  ...parts,
  portLevelSettings: field(
    list(PortTrafficPolicy),
    "Settings for single ports. Nothing of the other settings holds for such a port.",
  ),
  tunnel: field(Tunnel, "Tunnels TCP and TLS connections through a proxy that speaks HTTP."),
  proxyProtocol: field(ProxyProtocol, "Begins connections with PROXY's header, which names the client."),
  retryBudget: field(
    RetryBudget,
    "Limits retries by a part of the requests, in place of `connectionPool.http.maxRetries`.",
  ),
});
export type TrafficPolicy = Static<typeof TrafficPolicy>;

const Subset = message("Subset", {
  name: required(string({ minLength: 1 }), "The name that destinations use."),
  labels: field(Labels, "Endpoints with all of these labels are in the subset.", { defaultText: "all endpoints" }),
  trafficPolicy: field(TrafficPolicy, "Settings of the subset. A part that is set replaces that of the rule."),
});
export type Subset = Static<typeof Subset>;

export const DestinationRuleSpec = message("DestinationRule", {
  host: required(
    string({ minLength: 1 }),
    "The service: a full name, also with a wildcard, or a short name, which is looked up in the rule's own namespace.",
  ),
  trafficPolicy: field(TrafficPolicy, "Settings for connections and requests to the host."),
  subsets: field(list(Subset), "Named parts of the endpoints, such as versions."),
  exportTo: field(ExportTo, "Namespaces that see the object: `.` is its own, `*` all.", { default: ["*"] }),
  workloadSelector: field(WorkloadSelector, "The rule is for clients of its own namespace that have these labels.", {
    defaultText: "all clients",
  }),
  configScope: field(anything(), "The form of `exportTo` before Istio 1.1.", { noEffect: "write exportTo" }),
});
export type DestinationRuleSpec = Static<typeof DestinationRuleSpec>;
