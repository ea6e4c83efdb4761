// What an istiod without Kubernetes has to read, and the one Envoy that it configures.
import { manifestOf } from "./scenario.ts";

interface Address {
  readonly host: string;
  readonly port: number;
}

/** No statistics filters: they are Istio's own, which other Envoys do not have. No TLS: nobody gives certificates here. */
export const MESH_CONFIG = "accessLogFile: ''\nenableAutoMtls: false\ndefaultConfig: { concurrency: 1 }\n";

const APPLICATION_PORT = 9_080;
const NAMESPACE = "default";

/** The gateway, its routes, and the application as a service with one endpoint. */
export function istiodObjects(options: {
  readonly ingressPort: number;
  readonly application: { readonly name: string; readonly address: string };
}): string {
  const { name, address } = options.application;
  const host = `${name}.${NAMESPACE}.svc.cluster.local`;
  const networking = (kind: string, objectName: string, spec: unknown) => ({
    ...{ apiVersion: "networking.istio.io/v1", kind, metadata: { name: objectName, namespace: NAMESPACE }, spec },
  });
  const server = {
    ...{ port: { number: options.ingressPort, name: "http", protocol: "HTTP" }, bind: "127.0.0.1", hosts: ["*"] },
  };
  return manifestOf([
    networking("Gateway", "bookinfo-gateway", { selector: { istio: "ingressgateway" }, servers: [server] }),
    networking("VirtualService", "bookinfo", {
      hosts: ["*"],
      gateways: ["bookinfo-gateway"],
      http: [
        {
          match: [{ uri: { exact: "/productpage" } }, { uri: { prefix: "/api/v1/products" } }],
          route: [{ destination: { host, port: { number: APPLICATION_PORT } } }],
        },
      ],
    }),
    networking("ServiceEntry", name, {
      ...{ hosts: [host], location: "MESH_INTERNAL", resolution: "STATIC" },
      ports: [{ number: APPLICATION_PORT, name: "http", protocol: "HTTP" }],
      endpoints: [{ address }],
    }),
  ]);
}

/** The configuration with which the ingress gateway's Envoy starts. @param options.ip its address, by which istiod knows it */
export function gatewayBootstrap(options: { readonly pilot: Address; readonly admin: Address; readonly ip: string }) {
  const { pilot, admin, ip } = options;
  const socket = ({ host, port }: Address) => ({ socket_address: { address: host, port_value: port } });
  const ads = { ads: {}, resource_api_version: "V3", initial_fetch_timeout: "0s" };
  return {
    node: {
      id: `router~${ip}~istio-ingressgateway.istio-system~istio-system.svc.cluster.local`,
      cluster: "istio-ingressgateway.istio-system",
      metadata: {
        ...{ NAMESPACE: "istio-system", NAME: "istio-ingressgateway", INSTANCE_IPS: ip, SERVICE_ACCOUNT: "default" },
        ...{
          LABELS: { istio: "ingressgateway", app: "istio-ingressgateway" },
          CLUSTER_ID: "Mock",
          ISTIO_VERSION: "1.29.0",
        },
      },
    },
    dynamic_resources: {
      ...{ lds_config: ads, cds_config: ads },
      ads_config: {
        ...{ api_type: "DELTA_GRPC", transport_api_version: "V3", set_node_on_first_message_only: true },
        grpc_services: [{ envoy_grpc: { cluster_name: "xds-grpc" } }],
      },
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
          load_assignment: {
            cluster_name: "xds-grpc",
            endpoints: [{ lb_endpoints: [{ endpoint: { address: socket(pilot) } }] }],
          },
        },
      ],
    },
    admin: { address: socket(admin) },
  };
}
