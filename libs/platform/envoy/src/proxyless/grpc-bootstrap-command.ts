import { addressText, type ConfigOf, defineConfig, option, parseAddress } from "@xebec/core-config";
import type { ProxySettings } from "../proxy-settings.ts";
import { grpcBootstrap } from "./grpc-bootstrap.ts";
import { writeBootstrap } from "./proxyless-agent.ts";

/** Pilot's port without TLS. */
const PLAINTEXT_PORT = 15_010;

/** Flags of `pilot-agent grpc-bootstrap`, which the template `grpc-simple` starts before the app. */
export const GrpcBootstrapConfig = defineConfig({
  service: "pilot-agent grpc-bootstrap",
  summary: "writes the bootstrap of gRPC's own xDS clients, which ask pilot at its plaintext port, and ends",
  options: {
    output: option.string("file to write", "./etc/istio/proxy/grpc-bootstrap.json"),
    domain: option.string("DNS suffix of the pod's services, NAMESPACE.svc.cluster.local", ""),
  },
});

export type GrpcBootstrapFlags = ConfigOf<typeof GrpcBootstrapConfig>;

/** @throws XebecError unavailable when the file cannot be written */
export function writeGrpcBootstrap(settings: ProxySettings, { output }: GrpcBootstrapFlags): Promise<void> {
  const { host } = parseAddress(settings.proxyConfig.discoveryAddress);
  const server = `dns:///${addressText({ host, port: PLAINTEXT_PORT })}`;
  return writeBootstrap(output, grpcBootstrap(settings, { server }));
}
