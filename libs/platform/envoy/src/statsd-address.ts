import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { addressText, parseAddress } from "@xebec/core-config";
import { XebecError } from "@xebec/core-errors";
import type { ProxySettings } from "./proxy-settings.ts";

/**
 * The settings with the address of the StatsD server in the place of its name, which Envoy does not look up.
 * @throws XebecError unavailable when the name has no address
 */
export async function withStatsdAddress(settings: ProxySettings): Promise<ProxySettings> {
  const { statsd } = settings.proxyConfig;
  if (statsd === undefined) return settings;
  const { host, port } = parseAddress(statsd);
  if (isIP(host) !== 0) return settings;
  try {
    const { address } = await lookup(host);
    const resolved = addressText({ host: address, port });
    return { ...settings, proxyConfig: { ...settings.proxyConfig, statsd: resolved } };
  } catch (cause) {
    throw new XebecError("unavailable", `PROXY_CONFIG.statsdUdpAddress: ${host} has no address`, { cause });
  }
}
