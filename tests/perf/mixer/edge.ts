import { Agent, createServer, get } from "node:http";
import { policyOf, readPolicyObjects } from "@xebec/mixer-edge";
import type { Resource } from "@xebec/model-resources";
import { freePorts, startEnvoy } from "@xebec/testing-launch";
import { cpuMsOf } from "../server.ts";
import { type Figure, percentile } from "../table.ts";
import { openLoop } from "../unary.ts";
import { startMixer } from "./mixer-server.ts";

const RATE = 1_000;
const SECONDS = 5;
const CONNECTIONS = 32;

const typed = (type: string, more: object): object => ({
  typed_config: { "@type": `type.googleapis.com/envoy.extensions.${type}`, ...more },
});
const endpoint = (port: number): object => ({
  endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: port } } },
});
const cluster = (name: string, port: number): object => ({
  ...{ name, type: "STATIC", connect_timeout: "1s" },
  load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [endpoint(port)] }] },
});

/** A rule of a header, as pilot makes a script of it. */
function edgeScript(): string {
  const object = (kind: string, name: string, spec: object): Resource => ({
    ...{ group: "config.istio.io", version: "v1alpha2", kind, namespace: "default", name, spec },
  });
  const objects = readPolicyObjects([
    object("handler", "deny", { compiledAdapter: "denier" }),
    object("instance", "nothing", { compiledTemplate: "checknothing" }),
    object("rule", "r", {
      match: 'request.headers["x-block"] == "yes" && request.path.startsWith("/ratings")',
      actions: [{ handler: "deny", instances: ["nothing"] }],
    }),
  ]);
  const policy = policyOf(objects, {
    ...{ rootNamespace: "istio-system", namespace: "default", name: "ratings", labels: {}, failOpen: false },
    host: "ratings.default.svc.cluster.local",
  });
  if (policy.kind !== "edge") throw new Error("the rule is one that Envoy decides");
  return policy.script;
}

/** Requests through one Envoy: without a rule, with one that it decides by itself, and with one that mixer-policy decides. */
export async function edgeFigures(dir: string, folder: (name: string) => string): Promise<Figure[]> {
  const { server: process, address } = await startMixer("mixer-policy", dir, folder("edge-policy.log"));
  await using policy = process;
  const ports = await freePorts(4);
  const [upstream = 0, ...listening] = ports;
  const server = createServer((_, response) => response.end("ok")).listen(upstream, "127.0.0.1");
  const ask = {
    name: "ask",
    ...typed("filters.http.ext_authz.v3.ExtAuthz", {
      transport_api_version: "V3",
      grpc_service: { envoy_grpc: { cluster_name: "policy", skip_envoy_headers: true }, timeout: "5s" },
    }),
  };
  const script = {
    name: "script",
    ...typed("filters.http.lua.v3.Lua", { default_source_code: { inline_string: edgeScript() } }),
  };
  const kinds = [
    { what: "no rule", filters: [], isAsked: false },
    { what: "a rule that Envoy decides", filters: [script], isAsked: false },
    { what: "a rule that mixer-policy decides", filters: [ask], isAsked: true },
  ];
  const listeners = kinds.map(({ filters }, i) => ({
    address: { socket_address: { address: "127.0.0.1", port_value: listening[i] } },
    filter_chains: [
      {
        filters: [
          {
            name: "http",
            ...typed("filters.network.http_connection_manager.v3.HttpConnectionManager", {
              stat_prefix: `http-${i}`,
              route_config: {
                virtual_hosts: [
                  { name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "app" } }] },
                ],
              },
              http_filters: [...filters, { name: "router", ...typed("filters.http.router.v3.Router", {}) }],
            }),
          },
        ],
      },
    ],
  }));
  const http2 = {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      explicit_http_config: { http2_protocol_options: {} },
    },
  };
  const clusters = [
    cluster("app", upstream),
    { ...cluster("policy", Number(address.split(":")[1])), typed_extension_protocol_options: http2 },
  ];
  await using envoy = await startEnvoy({ bootstrap: { static_resources: { listeners, clusters } } });
  await envoy.ready();
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const one = (port: number) => (n: number) =>
    new Promise<void>((resolve, reject) => {
      get({ host: "127.0.0.1", port, path: `/ratings/${n}`, agent }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`answered ${response.statusCode}`));
        response.resume().once("end", resolve);
      }).once("error", reject);
    });
  const figures: Figure[] = [];
  for (const { what, isAsked } of [{ ...kinds[0], what: "warm-up", isAsked: false }, ...kinds]) {
    const i = kinds.findIndex((each) => each.what === what);
    const call = one(listening[Math.max(0, i)] as number);
    if (i >= 0) await openLoop(RATE, 1, call);
    const before = { envoy: cpuMsOf(envoy.pid), policy: policy.cpuMs };
    const { count, latencies, failed, late } = await openLoop(RATE, i < 0 ? 1 : SECONDS, call);
    if (i < 0) continue;
    const us = (ms: number): string => `${((ms * 1000) / count).toFixed(0)} µs`;
    figures.push({
      what: `a request through Envoy, ${RATE}/s, ${what}`,
      value: `p50 ${percentile(latencies, 50).toFixed(2)} ms, p99 ${percentile(latencies, 99).toFixed(2)} ms, the load itself late by up to ${late.toFixed(0)} ms${failed > 0 ? `, ${failed} failed` : ""}`,
      cpu: `Envoy ${us(cpuMsOf(envoy.pid) - before.envoy)}${isAsked ? `, mixer-policy ${us(policy.cpuMs - before.policy)}` : ""}`,
      goal: i === 1 ? "0.1 ms p99 more than no rule" : "",
    });
  }
  agent.destroy();
  server.close();
  return figures;
}
