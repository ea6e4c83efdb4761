import { readFileSync } from "node:fs";
import { join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import type { Metrics } from "@xebec/core-metrics";
import type { WorkloadIdentity } from "@xebec/platform-identity";
import { parseAppProbes } from "./app-probes.ts";
import { renderBootstrap } from "./bootstrap.ts";
import { capturesDns, dnsCapture } from "./dns-capture.ts";
import { drainTimes } from "./drain-times.ts";
import { createEnvoyAdmin } from "./envoy-admin.ts";
import { createEnvoyProcess, type EnvoyProcess } from "./envoy-process.ts";
import { agentExtensions, pilotTarget } from "./extensions/agent-extensions.ts";
import { workloadHealth } from "./health/workload-health.ts";
import { parsePrometheusAnnotations } from "./merged-metrics.ts";
import { agentNode, envoyNode } from "./node.ts";
import { proxyReadiness } from "./proxy-readiness.ts";
import { adminAddress, bindAddress, isShared, type ProxySettings } from "./proxy-settings.ts";
import { createSdsServer } from "./sds-server.ts";
import { createSecrets } from "./secrets.ts";
import { createStatusServer } from "./status-server.ts";

export interface ProxyAgentOptions {
  readonly settings: ProxySettings;
  /** Signed by citadel; started by its owner. */
  readonly identity: WorkloadIdentity;
  /** The Envoy program. */
  readonly envoy: string;
  /** Folder of the bootstrap and the pid file, relative to the working directory. */
  readonly configPath: string;
  /** Envoy's `-l`: a level, or `info,misc:error`. */
  readonly logLevel: string;
  /** Worker threads; 0: one per core. */
  readonly concurrency: number;
  /** Where Envoy's output goes; absent: to the agent's own output. */
  readonly envoyLogFile?: string | undefined;
  readonly metrics: Metrics;
  /** Ends the agent. */
  quit(): void;
}

/**
 * The parts of an agent beside one Envoy: secrets over a Unix socket, the Envoy process, the status port.
 * @throws XebecError invalid_argument for a setting that cannot be used
 */
export async function proxyAgent(options: ProxyAgentOptions): Promise<Component[]> {
  const { settings, identity, configPath, metrics } = options;
  const { proxyConfig, env } = settings;
  const admin = createEnvoyAdmin({ host: adminAddress(settings), port: proxyConfig.proxyAdminPort });
  const drainQuery = settings.type === "sidecar" ? "inboundonly&graceful" : "graceful";
  const bootstrap = renderBootstrap(settings);
  const patch = await bootstrapPatch(options);
  const process = createEnvoyProcess({
    program: options.envoy,
    args: envoyArguments(options),
    bootstrap: patch ? (signal) => patch.applied(bootstrap, signal) : async () => bootstrap,
    bootstrapFile: join(configPath, "envoy-rev.json"),
    pidFile: join(configPath, "envoy.pid"),
    logFile: options.envoyLogFile,
    nodeId: envoyNode(settings).id,
    admin,
    ...drainTimes(settings),
    drainQuery,
    metrics,
  });
  const appHost = env.ISTIO_META_APP_ADDRESS || (isShared(settings) ? settings.ip : "127.0.0.1");
  const app = parsePrometheusAnnotations(env.ISTIO_PROMETHEUS_ANNOTATIONS ?? "", proxyConfig.statusPort);
  const dns = capturesDns(settings) ? dnsCapture({ settings, identity, configPath, metrics }) : undefined;
  const missing = proxyReadiness({ admin, envoy: process, others: [identity, ...(dns ? [dns] : [])] });
  const status = createStatusServer({
    address: { host: bindAddress(settings), port: proxyConfig.statusPort },
    missing,
    probes: parseAppProbes(env.ISTIO_KUBE_APP_PROBERS ?? ""),
    appHost,
    metrics: { metrics, envoy: admin.address, app: app && { ...app, host: appHost } },
    quit: options.quit,
    drain: async () => {
      // Who drains before the end is not over yet: clients are asked to go, and those that come are served.
      await admin.post(`/drain_listeners?${drainQuery}&skip_exit`);
    },
  });
  const extensions = agentExtensions(settings, identity, configPath, metrics);
  const sds = createSdsServer({
    ...{ path: settings.sdsSocket, secrets: createSecrets(identity), metrics },
    services: [extensions.service],
    closed: () => {
      extensions.close();
      patch?.close();
    },
  });
  const health = workloadHealth({ settings, identity, appHost, missing });
  // Ended in the reverse order: clients go elsewhere, then Envoy drains while secrets and status still answer.
  return [sds, status, ...(dns ? [dns] : []), process satisfies EnvoyProcess, ...health];
}

/** A bootstrap of the user's own, which Envoy merges into that of the agent (`sidecar.istio.io/bootstrapOverride`). */
function overrideOf({ env: { ISTIO_BOOTSTRAP_OVERRIDE: path } }: ProxySettings): string[] {
  if (!path) return [];
  try {
    return ["--config-yaml", readFileSync(path, "utf8")];
  } catch (cause) {
    throw new XebecError("failed_precondition", `ISTIO_BOOTSTRAP_OVERRIDE: ${path} cannot be read`, { cause });
  }
}

/** The patches of the bootstrap, for an agent that is to ask for them. Who does not does not load the code. */
async function bootstrapPatch({ settings, identity, envoy, configPath }: ProxyAgentOptions) {
  if (settings.env.BOOTSTRAP_XDS_AGENT !== "true") return undefined;
  const { BootstrapPatch } = await import("./bootstrap-patch/index.ts");
  return new BootstrapPatch({
    pilot: pilotTarget(settings, identity),
    node: agentNode(settings),
    program: envoy,
    folder: configPath,
  });
}

function envoyArguments({ settings, logLevel, concurrency }: ProxyAgentOptions): string[] {
  const [level = "warning", ...components] = logLevel.split(",").filter(Boolean);
  const { fileFlush } = settings.proxyConfig;
  const threads = settings.proxyConfig.concurrency ?? concurrency;
  return [
    ...["--drain-time-s", String(settings.proxyConfig.drainSeconds), "--drain-strategy", "immediate"],
    ...[
      "--local-address-ip-version",
      settings.ip.includes(":") ? "v6" : "v4",
      "--file-flush-interval-msec",
      String(fileFlush.intervalMs),
    ],
    ...(fileFlush.minSizeKb === undefined ? [] : ["--file-flush-min-size-kb", String(fileFlush.minSizeKb)]),
    ...["--disable-hot-restart", "--allow-unknown-static-fields", "-l", level],
    ...["--component-log-level", components.join(",") || "misc:error"],
    ...(threads > 0 ? ["--concurrency", String(threads)] : []),
    ...overrideOf(settings),
  ];
}
