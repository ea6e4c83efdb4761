import { join, resolve } from "node:path";
import { envoyNode } from "../node.ts";
import type { ProxySettings } from "../proxy-settings.ts";

/** Names of the files with the pod's identity, as Istio's agent calls them. */
export const CERTIFICATE_FILES = { cert: "cert-chain.pem", key: "key.pem", roots: "root-cert.pem" } as const;
/** How often gRPC looks whether the files have changed. Istio's 15 minutes are longer than a short certificate lives. */
const REFRESH = "60s";

export interface GrpcBootstrapOptions {
  /** Where gRPC asks for its configuration, in gRPC's form: `unix:///etc/istio/proxy/XDS`, `dns:///HOST:PORT`. */
  readonly server: string;
  /** Folder of the files with the pod's identity; absent: calls are plaintext. */
  readonly certificates?: string | undefined;
}

/** The bootstrap of gRPC's own xDS clients (gRFC A27, A29; docs/reference/pilot.md §7.2), which `GRPC_XDS_BOOTSTRAP` names. */
export function grpcBootstrap(settings: ProxySettings, { server, certificates }: GrpcBootstrapOptions): object {
  const { id, cluster, locality = {}, metadata } = envoyNode(settings);
  const { WASM_CLUSTER: _, ...known } = metadata;
  return {
    xds_servers: [{ server_uri: server, channel_creds: [{ type: "insecure" }], server_features: ["xds_v3"] }],
    node: { id, cluster, locality, metadata: { ...known, GENERATOR: "grpc" } },
    ...(certificates === undefined ? {} : { certificate_providers: providers(resolve(certificates)) }),
    server_listener_resource_name_template: "xds.istio.io/grpc/lds/inbound/%s",
  };
}

function providers(folder: string): object {
  const config = {
    certificate_file: join(folder, CERTIFICATE_FILES.cert),
    private_key_file: join(folder, CERTIFICATE_FILES.key),
    ca_certificate_file: join(folder, CERTIFICATE_FILES.roots),
    refresh_interval: REFRESH,
  };
  return { default: { plugin_name: "file_watcher", config } };
}
