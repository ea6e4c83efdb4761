import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { Metrics } from "@xebec/core-metrics";
import { type MeshProxyConfigs, NO_PROXY_CONFIGS, type ProxyConfigObject } from "@xebec/injector-template";
import {
  decodeResource,
  type MeshConfigSpec,
  meshConfigKey,
  type ProxyConfigSpec,
  type Resource,
} from "@xebec/model-resources";
import { type Bus, createRevisionReader } from "@xebec/platform-bus";

const log = logger("inject");
const PROXY_CONFIG = "networking.istio.io/ProxyConfig";
const PARTS = ["mesh.xebec.io/MeshConfig", PROXY_CONFIG];

/**
 * Follows what the mesh's configuration says of proxies: the mesh configuration and the ProxyConfigs.
 * @param systemNamespace that of the control plane, where the mesh configuration is
 * @param cacheFile where it is kept, so that pods are injected alike while the bus is down
 */
export function createMeshSource(
  bus: Bus,
  metrics: Metrics,
  systemNamespace: string,
  cacheFile?: string,
): { readonly component: Component; readonly current: () => MeshProxyConfigs } {
  const objects = new Map<string, Resource>();
  const meshKey = meshConfigKey(systemNamespace);
  const none = { ...NO_PROXY_CONFIGS, rootNamespace: systemNamespace };
  let current: MeshProxyConfigs = none;
  const reader = createRevisionReader({
    ...{ bus, bucket: "config", metrics, cacheFile, parts: (part) => PARTS.includes(part) },
    apply({ puts, deletes, first }) {
      let ours = first;
      for (const key of deletes) ours = objects.delete(key) || ours;
      for (const [key, bytes] of puts) {
        if (key !== meshKey && !key.startsWith(`${PROXY_CONFIG}/`)) continue;
        ours = true;
        try {
          objects.set(key, decodeResource(bytes));
        } catch (error) {
          log.error({ object: key, err: error }, "an object cannot be read; its last good form stays");
        }
      }
      if (ours) current = proxyConfigsOf(objects, meshKey, none);
    },
  });
  return { component: reader, current: () => current };
}

function proxyConfigsOf(
  objects: ReadonlyMap<string, Resource>,
  meshKey: string,
  none: MeshProxyConfigs,
): MeshProxyConfigs {
  const mesh = objects.get(meshKey)?.spec as MeshConfigSpec | undefined;
  const found = [...objects].flatMap(([key, { namespace, name, creationTimestamp: created = "", spec }]) =>
    key === meshKey ? [] : [{ namespace, name, created, spec: spec as ProxyConfigSpec } satisfies ProxyConfigObject],
  );
  return {
    rootNamespace: mesh?.rootNamespace || none.rootNamespace,
    defaultConfig: mesh?.defaultConfig ?? {},
    objects: found,
  };
}
