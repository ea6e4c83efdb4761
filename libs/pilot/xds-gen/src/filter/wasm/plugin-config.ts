import { hash } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { anyOf, durationOf } from "@xebec/api-envoy";
import { RBAC_Action } from "@xebec/api-envoy/envoy/config/rbac/v3/rbac";
import { RBACSchema as HttpRbacSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/rbac/v3/rbac";
import { WasmSchema as HttpWasmSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/wasm/v3/wasm";
import { RBACSchema as NetworkRbacSchema } from "@xebec/api-envoy/envoy/extensions/filters/network/rbac/v3/rbac";
import { WasmSchema as NetworkWasmSchema } from "@xebec/api-envoy/envoy/extensions/filters/network/wasm/v3/wasm";
import {
  type PluginConfig,
  PluginConfigSchema,
  type VmConfigSchema,
} from "@xebec/api-envoy/envoy/extensions/wasm/v3/wasm";
import { moduleSourceOf, type WasmPlugin } from "@xebec/pilot-snapshot";
import type { Scope } from "../../scope/scope.ts";
import { pluginResource, pluginType, pullSecretOf } from "./plugins.ts";

const RUNTIME = "envoy.wasm.runtime.v8";
const FETCH_MS = 30_000;
/** Variables by which agents know how to fetch a module; they take them out (docs/reference/pilot.md §3.11). */
const POLICY = "ISTIO_META_WASM_IMAGE_PULL_POLICY";
const PULL_SECRET = "ISTIO_META_WASM_IMAGE_PULL_SECRET";
const REVISION = "ISTIO_META_WASM_PLUGIN_RESOURCE_VERSION";

/** `failure_policy` of Envoy's PluginConfig, which is newer than the API that messages are generated from. */
const FAILURE_POLICY = { field: 7, FAIL_RELOAD: 1, FAIL_CLOSE: 2, FAIL_OPEN: 3 } as const;

/** The filter of a plugin as proxies get it. */
export function pluginConfig(scope: Scope, plugin: WasmPlugin): Any {
  const { spec } = plugin;
  const isNetwork = pluginType(spec) === "NETWORK";
  if (moduleSourceOf(spec) !== "file" && scope.proxyClass.modules === undefined)
    return fallbackConfig(isNetwork, spec.failStrategy === "FAIL_OPEN");
  const config = wasmConfig(plugin, pluginResource(scope, plugin));
  return isNetwork ? anyOf(NetworkWasmSchema, { config }) : anyOf(HttpWasmSchema, { config });
}

/** What stands in the place of a plugin without module: everything passes, or nothing does. */
export function fallbackConfig(isNetwork: boolean, isOpen: boolean): Any {
  // Without a policy, what is not allowed is denied.
  const rules = isOpen ? {} : { rules: { action: RBAC_Action.ALLOW } };
  return isNetwork ? anyOf(NetworkRbacSchema, { ...rules, statPrefix: "wasm." }) : anyOf(HttpRbacSchema, rules);
}

function wasmConfig(plugin: WasmPlugin, name: string): PluginConfig {
  const { spec } = plugin;
  const config = create(PluginConfigSchema, {
    name,
    rootId: spec.pluginName ?? "",
    vm: { case: "vmConfig", value: vmConfig(plugin, name) },
    ...(spec.pluginConfig && Object.keys(spec.pluginConfig).length > 0
      ? { configuration: anyOf(StringValueSchema, { value: JSON.stringify(spec.pluginConfig) }) }
      : {}),
  });
  const policy = FAILURE_POLICY[spec.failStrategy ?? "FAIL_CLOSE"];
  return Object.assign(config, {
    $unknown: [{ no: FAILURE_POLICY.field, wireType: 0, data: Uint8Array.of(policy) }],
  });
}

function vmConfig(plugin: WasmPlugin, name: string): MessageInitShape<typeof VmConfigSchema> {
  const { spec, revision } = plugin;
  const { env = [] } = spec.vmConfig ?? {};
  const own = env.filter(({ valueFrom }) => valueFrom !== "HOST");
  const keyValues: Record<string, string> = Object.fromEntries(own.map(({ name, value = "" }) => [name, value]));
  const hostEnvKeys = env.filter(({ valueFrom }) => valueFrom === "HOST").map(({ name }) => name);
  const isRemote = moduleSourceOf(spec) !== "file";
  const policy = spec.imagePullPolicy ?? "UNSPECIFIED_POLICY";
  const pullSecret = pullSecretOf(plugin);
  return {
    // Envoy shares a machine between plugins of equal code and id, with the environment of the first one.
    vmId: `${name}/${hash("sha1", JSON.stringify([keyValues, hostEnvKeys]), "hex").slice(0, 8)}`,
    runtime: RUNTIME,
    code: {
      specifier: isRemote
        ? {
            case: "remote",
            value: {
              httpUri: {
                uri: spec.url.includes("://") ? spec.url : `oci://${spec.url}`,
                // Agents fetch the module: no cluster is meant.
                httpUpstreamType: { case: "cluster", value: "_" },
                timeout: durationOf(FETCH_MS),
              },
              sha256: spec.sha256 ?? "",
            },
          }
        : { case: "local", value: { specifier: { case: "filename", value: spec.url.slice("file://".length) } } },
    },
    environmentVariables: {
      hostEnvKeys,
      keyValues: {
        ...keyValues,
        ...(isRemote ? { [REVISION]: revision } : {}),
        // Its name: agents ask for the rest as who they are.
        ...(pullSecret === undefined ? {} : { [PULL_SECRET]: pullSecret }),
        ...(isRemote && policy !== "UNSPECIFIED_POLICY" ? { [POLICY]: policy } : {}),
      },
    },
  };
}
