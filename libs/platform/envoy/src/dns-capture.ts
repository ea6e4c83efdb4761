import { join } from "node:path";
import { type HostPort, parseAddress } from "@xebec/core-config";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import type { Metrics } from "@xebec/core-metrics";
import type { WorkloadIdentity } from "@xebec/platform-identity";
import { isPlaintext, pilotIdentities } from "./bootstrap-clusters.ts";
import { agentNode } from "./node.ts";
import { isShared, type ProxySettings } from "./proxy-settings.ts";

const PORT = 15_053;
const RESOLV_CONF = "/etc/resolv.conf";

export interface DnsCaptureOptions {
  readonly settings: ProxySettings;
  readonly identity: WorkloadIdentity;
  /** Folder of the last table. */
  readonly configPath: string;
  readonly metrics: Metrics;
}

/** True where the workload finds names by the agent (`ISTIO_META_DNS_CAPTURE`). */
export function capturesDns({ env }: Pick<ProxySettings, "env">): boolean {
  return env.ISTIO_META_DNS_CAPTURE?.toLowerCase() === "true";
}

/**
 * The DNS proxy of an agent (docs/reference/pilot.md §7.4). Its code is loaded when it starts: agents without it need no memory for it.
 * @throws XebecError invalid_argument for a setting that cannot be used
 */
export function dnsCapture({ settings, identity, configPath, metrics }: DnsCaptureOptions): Component {
  const { env, proxyConfig, namespace, domain } = settings;
  const addresses = listenAddresses(settings);
  const pilot = parseAddress(proxyConfig.discoveryAddress);
  const names = pilotIdentities(settings);
  const tls = {
    current: () => identity.current(),
    onChange: (changed: () => void) => identity.onChange(changed),
    serverIdentities: names,
  };
  let proxy: Component | undefined;
  return {
    name: "DNS proxy",
    async start(signal) {
      const { createDnsProxy } = await import("@xebec/platform-dns");
      proxy = createDnsProxy({
        ...{ addresses, metrics, parallel: env.DNS_FORWARD_PARALLEL?.toLowerCase() === "true" },
        resolvConf: env.XEBEC_RESOLV_CONF || RESOLV_CONF,
        viewpoint: { namespace, domain },
        stateFile: join(configPath, "name-table"),
        pilot: { address: pilot, ...(isPlaintext(pilot) ? {} : { tls }) },
        node: agentNode(settings),
      });
      await proxy.start(signal);
    },
    missing: () => proxy?.missing?.() ?? ["DNS: the proxy has not started yet"],
    close: async () => proxy?.close?.(),
  };
}

/** `DNS_PROXY_ADDR`; `localhost` is the loopback address of the pod's families, and of a pod that shares it its own address. */
function listenAddresses(settings: ProxySettings): readonly HostPort[] {
  const { env, ip } = settings;
  const { host, port } = addressOf(env.DNS_PROXY_ADDR || `localhost:${PORT}`);
  if (host !== "localhost") return [{ host, port }];
  if (isShared(settings)) return [{ host: ip, port }];
  return [{ host: ip.includes(":") ? "::1" : "127.0.0.1", port }];
}

function addressOf(text: string): HostPort {
  try {
    return parseAddress(text);
  } catch (error) {
    throw new XebecError("invalid_argument", `DNS_PROXY_ADDR: ${XebecError.from(error).message}`);
  }
}
