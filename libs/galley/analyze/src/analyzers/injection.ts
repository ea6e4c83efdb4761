import type { Analyzer } from "../analyzer.ts";
import { fields, items, text } from "../object.ts";
import { hasProxy, isInjected, isInjectedNamespace } from "../workload.ts";

const SYSTEM_NAMESPACES = new Set(["kube-system", "kube-public", "kube-node-lease", "local-path-storage"]);

/** Namespaces say whether their pods get sidecars, and pods have them. */
export const injection: Analyzer = {
  name: "injection.Analyzer",
  analyze(world, report) {
    for (const namespace of world.all("", "Namespace")) {
      const { name, labels } = namespace;
      if (SYSTEM_NAMESPACES.has(name) || name === world.rootNamespace) continue;
      if (labels["istio-injection"] !== undefined && labels["istio.io/rev"] !== undefined) {
        const what = `the namespace has both labels, istio-injection=${labels["istio-injection"]} and istio.io/rev=${labels["istio.io/rev"]}; keep one of them`;
        report("NamespaceMultipleInjectionLabels", namespace, what);
      } else if (labels["istio-injection"] === undefined && labels["istio.io/rev"] === undefined) {
        const what = `pods of the namespace get no sidecar; say so with the label istio-injection=disabled, or switch injection on with istio-injection=enabled`;
        report("NamespaceNotInjected", namespace, what);
      }
    }
    for (const pod of world.pods) {
      const labels = world.namespaceLabels(pod.namespace);
      if (pod.object.kind !== "Pod" || !labels || !isInjectedNamespace(labels)) continue;
      if (hasProxy(pod) || !isInjected(pod, labels)) continue;
      const what = `the pod has no proxy, although its namespace asks for one; create it again`;
      report("PodMissingProxy", pod.object, what);
    }
  },
};

/** `image: auto` is what the injector replaces. */
export const automaticImages: Analyzer = {
  name: "injection.ImageAutoAnalyzer",
  analyze(world, report) {
    for (const pod of world.pods) {
      const isAuto = [...pod.containers, ...items(pod.spec.initContainers)].some(({ image }) => text(image) === "auto");
      if (!isAuto || isInjected(pod, world.namespaceLabels(pod.namespace))) continue;
      const isPod = pod.object.kind === "Pod";
      const what = "a container has the image 'auto', which the injector replaces, but injection is off for these pods";
      report(isPod ? "ImageAutoWithoutInjectionError" : "ImageAutoWithoutInjectionWarning", pod.object, what);
    }
  },
};

const PROXY_UID = 1337;

/** Traffic of this user passes the proxy by. */
export const applicationUser: Analyzer = {
  name: "applicationUID.Analyzer",
  analyze(world, report) {
    for (const pod of world.pods) {
      const ofPod = fields(pod.spec.securityContext).runAsUser;
      const isProxyUser = pod.containers.some(({ name, securityContext }) => {
        const own = fields(securityContext).runAsUser ?? ofPod;
        return text(name) !== "istio-proxy" && own === PROXY_UID;
      });
      if (!isProxyUser) continue;
      const what = "a container runs as user 1337, which is the proxy's: its traffic passes the proxy by";
      report("InvalidApplicationUID", pod.object, what, [...pod.path, "spec", "securityContext"]);
    }
  },
};
