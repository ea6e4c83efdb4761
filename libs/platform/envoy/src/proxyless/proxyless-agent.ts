import { join, resolve } from "node:path";
import { type Component, missingOf } from "@xebec/core-lifecycle";
import type { Metrics } from "@xebec/core-metrics";
import { writeFileAtomic } from "@xebec/platform-files";
import { createPlainServer } from "@xebec/platform-http/plain";
import type { WorkloadIdentity } from "@xebec/platform-identity";
import { hasCertificate } from "../agent-settings.ts";
import { parseAppProbes } from "../app-probes.ts";
import { capturesDns, dnsCapture } from "../dns-capture.ts";
import { pilotTarget } from "../extensions/agent-extensions.ts";
import { workloadHealth } from "../health/workload-health.ts";
import { parsePrometheusAnnotations } from "../merged-metrics.ts";
import { bindAddress, isShared, type ProxySettings } from "../proxy-settings.ts";
import { createStatusServer } from "../status-server.ts";
import { certificateFiles } from "./certificate-files.ts";
import { grpcBootstrap } from "./grpc-bootstrap.ts";
import { createXdsSocket } from "./xds-socket.ts";

export interface ProxylessAgentOptions {
  readonly settings: ProxySettings;
  /** Signed by citadel; started by its owner. */
  readonly identity: WorkloadIdentity;
  /** Folder of the bootstrap and the socket. */
  readonly configPath: string;
  readonly metrics: Metrics;
  /** Ends the agent. */
  quit(): void;
}

/** False where the agent serves gRPC's own clients and servers, and runs no Envoy (`DISABLE_ENVOY`). */
export function hasEnvoy({ env }: Pick<ProxySettings, "env">): boolean {
  return env.DISABLE_ENVOY?.toLowerCase() !== "true";
}

/**
 * The parts of an agent beside an app that is its own proxy, by gRPC's xDS (docs/reference/pilot.md §7.2): bootstrap, certificate
 * files, a way to pilot, the status port.
 * @throws XebecError invalid_argument for a setting that cannot be used
 */
export function proxylessAgent(options: ProxylessAgentOptions): Component[] {
  const { settings, identity, configPath, metrics, quit } = options;
  const { proxyConfig, env } = settings;
  const socket = resolve(configPath, "XDS");
  const folder = hasCertificate(settings) ? resolve(env.OUTPUT_CERTS || join(configPath, "certs")) : undefined;
  const bootstrap = grpcBootstrap(settings, { server: `unix://${socket}`, certificates: folder });
  const bootstrapFile = env.GRPC_XDS_BOOTSTRAP || join(configPath, "grpc-bootstrap.json");
  const files = folder === undefined ? [] : [certificateFiles(identity, folder)];
  const dns = capturesDns(settings) ? [dnsCapture({ settings, identity, configPath, metrics })] : [];
  const parts = [...files, createXdsSocket({ path: socket, pilot: pilotTarget(settings, identity) }), ...dns];
  const missing = async (): Promise<readonly string[]> => missingOf([identity, ...parts]);
  const appHost = env.ISTIO_META_APP_ADDRESS || (isShared(settings) ? settings.ip : "127.0.0.1");
  const app = parsePrometheusAnnotations(env.ISTIO_PROMETHEUS_ANNOTATIONS ?? "", proxyConfig.statusPort);
  const host = bindAddress(settings);
  const status = createStatusServer({
    address: { host, port: proxyConfig.statusPort },
    missing,
    probes: parseAppProbes(env.ISTIO_KUBE_APP_PROBERS ?? ""),
    appHost,
    metrics: { metrics, app: app && { ...app, host: appHost } },
    quit,
    // The app has its own connections, and ends them itself.
    drain: async () => undefined,
  });
  return [
    { name: "gRPC bootstrap", start: () => writeBootstrap(bootstrapFile, bootstrap) },
    ...parts,
    status,
    // Where Envoy would answer, kubelet and `pilot-agent wait` ask.
    createPlainServer({
      name: "agent readiness",
      address: { host, port: settings.envoyStatusPort },
      limits: { maxConnections: 200 },
      pages: {
        "GET /healthz/ready": async () => {
          const lines = await missing();
          return { status: lines.length === 0 ? 200 : 503, body: { ready: lines.length === 0, missing: lines } };
        },
      },
    }),
    ...workloadHealth({ settings, identity, appHost, missing }),
  ];
}

/** Everybody in the pod may read it: there is no secret in it. */
export function writeBootstrap(path: string, bootstrap: object): Promise<void> {
  return writeFileAtomic(path, `${JSON.stringify(bootstrap, null, 2)}\n`, { mode: 0o644, sync: false });
}
