import { hash } from "node:crypto";
import { probedByAgent } from "./agent-probes.ts";
import { checkAnnotations } from "./annotations.ts";
import { earlierStatus, LISTS, STATUS } from "./earlier-injection.ts";
import {
  effectiveProxyConfig,
  type MeshProxyConfigs,
  NO_PROXY_CONFIGS,
  type ProxyConfigFields,
} from "./effective-proxy-config.ts";
import type { InjectConfig } from "./inject-config.ts";
import { mapPatch, type PatchOperation } from "./json-patch.ts";
import { mergeContainer, OVERRIDES, readOverrides } from "./own-container.ts";
import { type Named, type Pod, PROXY } from "./pod.ts";
import { render } from "./render.ts";
import { templateData } from "./template-data.ts";
import type { InjectValues } from "./values.ts";

/**
 * The patch that gives a pod its sidecar (docs/reference/platform.md §4.5). A pod that was injected before first loses
 * what the earlier injection added, so that the result is the same.
 * @param mesh what the mesh's configuration says of proxies
 * @throws XebecError invalid_argument for an annotation or template that cannot be used; then nothing is injected
 */
export function injectionPatch(
  pod: Pod,
  namespace: string,
  config: InjectConfig,
  values: InjectValues,
  mesh: MeshProxyConfigs = NO_PROXY_CONFIGS,
): PatchOperation[] {
  const annotations = pod.metadata?.annotations ?? {};
  checkAnnotations(annotations);
  const labelsOfPod = pod.metadata?.labels ?? {};
  const proxyConfig = effectiveProxyConfig({ namespace, labels: labelsOfPod, annotations }, mesh);
  const rendered = render(config.template, templateData(pod, namespace, values, proxyConfig));
  const earlier = earlierStatus(annotations);
  const operations: PatchOperation[] = [];
  const overrides = readOverrides(annotations[OVERRIDES]);
  const users: Record<string, Named[]> = {};
  const status: Record<string, unknown> = { version: hash("sha256", config.template, "hex") };
  for (const list of LISTS) {
    const before = (pod.spec?.[list] ?? []) as readonly Named[];
    const added = (rendered.spec?.[list] ?? []).map((own) => {
      if (list !== "containers" && list !== "initContainers") return own;
      // What an earlier injection added is not the user's; what the user had written then stands in the annotation.
      const user = (earlier[list]?.includes(own.name) ? overrides[list] : before)?.find(
        (each) => each.name === own.name,
      );
      if (!user) return own;
      users[list] = [...(users[list] ?? []), user];
      return mergeContainer(own, user);
    });
    const kept = before.filter(
      (each) => !earlier[list]?.includes(each.name) && !added.some((own) => own.name === each.name),
    );
    status[list] = added.map((each) => each.name);
    const after =
      list === "containers"
        ? inOrder(probedByAgent(kept, added, before, annotations, values, proxyConfig), proxyConfig)
        : [...kept, ...added];
    if (JSON.stringify(after) === JSON.stringify(before)) continue;
    operations.push({ op: pod.spec?.[list] ? "replace" : "add", path: `/spec/${list}`, value: after });
  }
  const labels = {
    ...rendered.metadata?.labels,
    ...pick(pod.metadata?.labels, [
      "security.istio.io/tlsMode",
      "service.istio.io/canonical-name",
      "service.istio.io/canonical-revision",
    ]),
  };
  operations.push(...mapPatch("/metadata/labels", pod.metadata?.labels, labels));
  operations.push(
    ...mapPatch("/metadata/annotations", pod.metadata?.annotations, {
      ...rendered.metadata?.annotations,
      ...(Object.keys(users).length > 0 ? { [OVERRIDES]: JSON.stringify(users) } : {}),
      [STATUS]: JSON.stringify(status),
    }),
  );
  return operations;
}

/** Kubelet starts a container when the one before it has ended its hook: an app that waits for its proxy stands behind it. */
function inOrder(containers: readonly Named[], { holdApplicationUntilProxyStarts: hold }: ProxyConfigFields) {
  if (hold !== true) return containers;
  return [...containers].sort((a, b) => Number(b.name === PROXY) - Number(a.name === PROXY));
}

function pick(map: Readonly<Record<string, string>> | undefined, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(keys.flatMap((key) => (map?.[key] === undefined ? [] : [[key, map[key]]])));
}
