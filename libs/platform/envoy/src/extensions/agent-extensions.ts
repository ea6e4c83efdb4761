import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type HostPort, parseAddress } from "@xebec/core-config";
import { parseDuration } from "@xebec/core-duration";
import { XebecError } from "@xebec/core-errors";
import type { Metrics } from "@xebec/core-metrics";
import type { ChannelTarget } from "@xebec/platform-grpc";
import { type AddressPolicy, createAddressPolicy, networkSyntaxError } from "@xebec/platform-http/guarded";
import type { WorkloadIdentity } from "@xebec/platform-identity";
import { isPlaintext, pilotIdentities } from "../bootstrap-clusters.ts";
import { envoyNode } from "../node.ts";
import type { ProxySettings } from "../proxy-settings.ts";
import { EXTENSION_TYPE, extensionService } from "./extension-service.ts";
import { type FetchOptions, fetchModule } from "./fetch-module.ts";
import { createModuleStore } from "./module-store.ts";
import { PilotStream } from "./pilot-stream.ts";
import { PluginExtensions } from "./plugin-extensions.ts";
import { PullSecrets } from "./pull-secrets.ts";

const FETCH_MS = 15_000;

/**
 * What fetches the modules of WasmPlugins for the Envoy of the pod. Nothing runs before Envoy asks for one.
 * @param configPath folder in which modules are kept
 * @throws XebecError invalid_argument for a variable that cannot be used
 */
export function agentExtensions(
  settings: ProxySettings,
  identity: Pick<WorkloadIdentity, "current" | "onChange">,
  configPath: string,
  metrics: Metrics,
) {
  const { WASM_INSECURE_REGISTRIES: insecure = "", DOCKER_CONFIG: dockerConfig } = settings.env;
  const how: FetchOptions = {
    ...{ policy: policyOf(settings), timeoutMs: timeoutOf(settings) },
    insecure: insecure
      .split(",")
      .map((each) => each.trim())
      .filter(Boolean),
    credentialsOf: async ({ pullSecret }) => {
      if (pullSecret) return pullSecrets.get(pullSecret);
      return dockerConfig ? readCredentials(join(dockerConfig, "config.json")) : undefined;
    },
  };
  const fetches = metrics.counter(
    "istio_agent_wasm_remote_fetch_count",
    "Number of fetches of Wasm modules, by their result.",
    ["result"],
  );
  const [target, node] = [pilotTarget(settings, identity), envoyNode(settings)];
  const pullSecrets = new PullSecrets(target, node);
  const pilot = new PilotStream({
    ...{ target, node, typeUrl: EXTENSION_TYPE },
    take: (update) => extensions.take(update),
  });
  const store = createModuleStore(join(configPath, "modules"), (plugin) => fetchModule(plugin, how));
  const extensions = new PluginExtensions({ store, pilot, fetches });
  return {
    service: extensionService(extensions),
    close(): void {
      extensions.close();
      pilot.close();
      pullSecrets.close();
    },
  };
}

/** Where pilot is, with the proof and the trust of the pod. */
export function pilotTarget(
  settings: ProxySettings,
  identity: Pick<WorkloadIdentity, "current" | "onChange">,
): ChannelTarget & { readonly address: HostPort } {
  const address = parseAddress(settings.proxyConfig.discoveryAddress);
  if (isPlaintext(address)) return { address };
  const tls = {
    current: () => identity.current(),
    onChange: (changed: () => void) => identity.onChange(changed),
    serverIdentities: pilotIdentities(settings),
  };
  return { address, tls };
}

/** Credentials of registries that are mounted into the container, as Docker's clients find them. */
async function readCredentials(path: string): Promise<string> {
  return readFile(path, "utf8").catch((cause: unknown) => {
    throw new XebecError("failed_precondition", `DOCKER_CONFIG: ${path} cannot be read`, { cause });
  });
}

function policyOf({ env }: ProxySettings): AddressPolicy {
  const networks = (env.WASM_FETCH_NETWORKS ?? "").split(",").filter(Boolean);
  const error = networks.map(networkSyntaxError).find(Boolean);
  if (error) throw new XebecError("invalid_argument", `WASM_FETCH_NETWORKS: ${error}`);
  return createAddressPolicy(networks);
}

function timeoutOf({ env }: ProxySettings): number {
  const text = env.WASM_HTTP_REQUEST_TIMEOUT;
  const ms = text ? parseDuration(text) : FETCH_MS;
  if (ms === undefined || ms <= 0)
    throw new XebecError(
      "invalid_argument",
      `WASM_HTTP_REQUEST_TIMEOUT: "${text}" is not a duration; write for example 15s`,
    );
  return ms;
}
