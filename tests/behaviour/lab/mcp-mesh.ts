// Services as processes, and a gateway in front of a server, for tests of the sources that pilot and Mixer read by themselves.
import assert from "node:assert/strict";
import { createServer, get, type IncomingHttpHeaders, type Server } from "node:http";
import { join } from "node:path";
import { waitFor } from "@xebec/core-async";
import { type Child, type Envoy, freePorts, startChild, startEnvoy } from "@xebec/testing-launch";

const APPS = join(import.meta.dirname, "../../../apps");

export interface StartedService extends AsyncDisposable {
  readonly child: Child;
  /** Of its monitoring port. */
  text(path: string): Promise<string>;
  /** Waits until `/readyz` is 200. */
  ready(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a service from its sources. @param monitoring where `/readyz` is */
export function startService(name: string, monitoring: number, flags: readonly string[]): StartedService {
  const child = startChild(process.execPath, [join(APPS, name, "src/main.ts"), ...flags]);
  const text = async (path: string): Promise<string> =>
    (await fetch(`http://127.0.0.1:${monitoring}${path}`, { signal: AbortSignal.timeout(2_000) })).text();
  const isReady = async (): Promise<boolean> => {
    assert.ok(!child.exited, child.output());
    const url = `http://127.0.0.1:${monitoring}/readyz`;
    return (await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined))?.ok ?? false;
  };
  return {
    ...{ child, text, ready: async () => void (await waitFor(`${name} is ready`, 30_000, isReady)) },
    stop: () => child.stop(),
    [Symbol.asyncDispose]: () => child.stop("SIGKILL"),
  };
}

/** Starts pilot with plaintext xDS. */
export async function startPilot(
  flags: readonly string[],
): Promise<StartedService & { readonly xds: number; readonly http: number }> {
  const [xds = 0, http = 0, monitoring = 0] = await freePorts(3);
  const service = startService("pilot", monitoring, [
    ...["--grpcAddr", `127.0.0.1:${xds}`, "--secureGrpcAddr", "", "--httpAddr", `127.0.0.1:${http}`],
    ...["--monitoringAddr", `127.0.0.1:${monitoring}`, ...flags],
  ]);
  return { ...service, xds, http };
}

/** A server that says its name. */
export async function startBackend(name: string): Promise<{ readonly port: number; readonly server: Server }> {
  const [port = 0] = await freePorts(1);
  const server = createServer((_, response) => void response.end(name));
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return { port, server };
}

/** How a gateway signs in on pilot's secure port. */
export interface GatewayToken {
  readonly token: string;
  readonly serviceAccount: string;
  /** Of pilot's certificate, PEM. */
  readonly roots: string;
}

/** An Envoy with the role of a gateway, which takes its configuration from that pilot. @param by absent: plaintext */
export function startGateway(xds: number, by?: GatewayToken): Promise<Envoy> {
  const ads = { ads: {}, resource_api_version: "V3" };
  return startEnvoy({
    bootstrap: {
      node: {
        ...{ id: "router~127.0.0.1~gateway-1.istio-system~istio-system.svc.cluster.local", cluster: "gateway" },
        metadata: {
          ...{ NAMESPACE: "istio-system", LABELS: { istio: "ingressgateway" } },
          ...(by ? { SERVICE_ACCOUNT: by.serviceAccount } : {}),
        },
      },
      dynamic_resources: {
        ads_config: {
          ...{ api_type: "DELTA_GRPC", transport_api_version: "V3" },
          grpc_services: [
            {
              envoy_grpc: { cluster_name: "xds-grpc" },
              ...(by ? { initial_metadata: [{ key: "authorization", value: `Bearer ${by.token}` }] } : {}),
            },
          ],
        },
        ...{ cds_config: ads, lds_config: ads },
      },
      static_resources: {
        clusters: [
          {
            ...{ name: "xds-grpc", type: "STATIC", connect_timeout: "1s" },
            typed_extension_protocol_options: {
              "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                explicit_http_config: { http2_protocol_options: {} },
              },
            },
            ...(by ? { transport_socket: pilotTls(by.roots) } : {}),
            load_assignment: {
              cluster_name: "xds-grpc",
              endpoints: [
                {
                  lb_endpoints: [
                    { endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: xds } } } },
                  ],
                },
              ],
            },
          },
        ],
      },
    },
  });
}

function pilotTls(roots: string) {
  return {
    name: "tls",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
      sni: "istio-pilot.istio-system.svc",
      common_tls_context: {
        alpn_protocols: ["h2"],
        validation_context: { trusted_ca: { inline_string: roots } },
      },
    },
  };
}

/** Asks a gateway on this machine. fetch has no say in the host of a request. */
export function ask(
  port: number,
  host: string,
): Promise<{ readonly status: number; readonly headers: IncomingHttpHeaders; readonly text: string }> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, headers: { host }, timeout: 5_000, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    }).on("error", reject);
  });
}
