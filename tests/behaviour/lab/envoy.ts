import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { waitFor } from "@xebec/core-async";
import { type Child, findTool, startChild } from "@xebec/testing-launch";
import type { Namespace } from "./namespace.ts";

/** Node id and metadata of a proxy, as its agent gives them. */
export interface Node {
  readonly id: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** How a proxy speaks with its server of xDS. */
export interface XdsOptions {
  /** In the Delta form; else that of the state of the world. */
  readonly delta?: boolean;
  /** Changes its bootstrap. */
  readonly change?: (bootstrap: Readonly<Record<string, unknown>>) => unknown;
  /** More of Envoy's own flags. */
  readonly flags?: readonly string[];
}

/**
 * A bootstrap that takes xDS and secrets from one server.
 * @param server its Unix socket, or `ADDRESS:PORT`
 * @param more added to the bootstrap's own parts
 */
export function bootstrap(
  node: Node,
  server: string,
  more: {
    readonly admin?: object;
    readonly listeners?: readonly unknown[];
    readonly dns?: string;
    readonly delta?: boolean | undefined;
  } = {},
): Readonly<Record<string, unknown>> {
  const [address = "", port = ""] = server.startsWith("/") ? [] : server.split(":");
  const at = port ? { socket_address: { address, port_value: Number(port) } } : { pipe: { path: server } };
  const http2 = (name: string) => ({
    ...{ name, type: "STATIC", connect_timeout: "1s" },
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: at } }] }],
    },
  });
  const ads = { ads: {}, resource_api_version: "V3" };
  return {
    node: { ...node, cluster: "test" },
    ...(more.admin ? { admin: { address: more.admin } } : {}),
    // As the agent's bootstrap has it.
    layered_runtime: {
      layers: [
        { name: "static", static_layer: { "re2.max_program_size.error_level": 32_768 } },
        // Tracers send each span at once.
        {
          name: "spans",
          static_layer: { "tracing.zipkin.min_flush_spans": 1, "tracing.opentelemetry.min_flush_spans": 1 },
        },
      ],
    },
    static_resources: { clusters: [http2("xds-grpc"), http2("sds-grpc")], listeners: more.listeners ?? [] },
    ...(more.dns ? { typed_dns_resolver_config: resolver(more.dns) } : {}),
    dynamic_resources: {
      ads_config: {
        api_type: more.delta ? "DELTA_GRPC" : "GRPC",
        transport_api_version: "V3",
        grpc_services: [
          {
            envoy_grpc: {
              cluster_name: "xds-grpc",
              retry_policy: { retry_back_off: { base_interval: "0.1s", max_interval: "1s" } },
            },
          },
        ],
      },
      cds_config: ads,
      lds_config: ads,
    },
  };
}

function resolver(at: string) {
  const [address, port] = at.split(":");
  return {
    name: "envoy.network.dns_resolver.cares",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
      resolvers: [{ socket_address: { address, port_value: Number(port) } }],
      use_resolvers_as_fallback: false,
    },
  };
}

/** Answers every request on a Unix socket by the one worker, behind everything that the worker got before. */
const barrier = (path: string) => ({
  name: "barrier",
  address: { pipe: { path } },
  filter_chains: [
    {
      filters: [
        {
          name: "envoy.filters.network.http_connection_manager",
          typed_config: {
            "@type":
              "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            stat_prefix: "barrier",
            http_filters: [
              {
                name: "envoy.filters.http.router",
                typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
              },
            ],
            route_config: {
              virtual_hosts: [
                { name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, direct_response: { status: 200 } }] },
              ],
            },
          },
        },
      ],
    },
  ],
});

const WARMING = "listener_manager.total_listeners_warming|cluster_manager.warming_clusters";

/** A real Envoy inside a namespace, with one worker. */
export class LabEnvoy {
  readonly #child: Child;
  readonly #admin: string;
  readonly #barrier: string;

  /** @param folder where its sockets and its bootstrap lie */
  constructor(
    name: string,
    node: Node,
    xds: string,
    folder: string,
    namespace: Namespace,
    dns: string,
    { delta, flags = [], change = (own) => own }: XdsOptions = {},
  ) {
    this.#admin = join(folder, `${name}-admin.sock`);
    this.#barrier = join(folder, `${name}-barrier.sock`);
    const file = join(folder, `${name}.json`);
    const own = { admin: { pipe: { path: this.#admin } }, listeners: [barrier(this.#barrier)], dns, delta };
    writeFileSync(file, JSON.stringify(change(bootstrap(node, xds, own))));
    this.#child = startChild(
      ...namespace.command(findTool("envoy"), [
        ...["-c", file, "--use-dynamic-base-id", "--concurrency", "1", "--disable-hot-restart", "-l", "error"],
        ...flags,
      ]),
      // Access logs with relative paths lie there.
      { cwd: folder },
    );
  }

  get exited(): boolean {
    return this.#child.exited;
  }

  output(): string {
    return this.#child.output();
  }

  /** Asks the admin page: `/config_dump`, `/clusters`, `/stats?filter=…`. @returns the body */
  admin(path: string, method = "GET"): Promise<string> {
    return get(this.#admin, path, method);
  }

  /** Waits until the worker has all that the main thread has taken over, and nothing warms up any more. */
  async settled(): Promise<void> {
    await waitFor("nothing warms up", 20_000, async () => {
      if (this.exited) throw new Error(`Envoy ended: ${this.output()}`);
      // Until the first listeners are warm, the worker does not listen.
      if (!(await this.admin("/ready")).startsWith("LIVE")) return false;
      const stats = await this.admin(`/stats?filter=${WARMING}`);
      return (
        stats !== "" &&
        stats
          .trim()
          .split("\n")
          .every((line) => line.endsWith(": 0"))
      );
    });
    await get(this.#barrier, "/");
  }

  stop(): Promise<void> {
    return this.#child.stop("SIGKILL");
  }
}

async function get(socketPath: string, path: string, method = "GET"): Promise<string> {
  const req = request({ socketPath, path, method, agent: false, headers: { host: "lab" } }).end();
  const [res] = (await once(req, "response")) as [import("node:http").IncomingMessage];
  let text = "";
  for await (const chunk of res) text += String(chunk);
  return text;
}
