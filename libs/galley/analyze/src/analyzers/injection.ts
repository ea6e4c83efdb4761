import type { Analyzer } from "../analyzer.ts";
import { type Fields, fields, items, text } from "../object.ts";
import { hasProxy, isInjected, isInjectedNamespace } from "../workload.ts";
import type { World } from "../world.ts";

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
        if (fields(injectorValues(world, "").sidecarInjectorWebhook).enableNamespacesByDefault === true) {
          const what =
            "pods of the namespace get sidecars, since enableNamespacesByDefault is true and it has no label";
          report("NamespaceInjectionEnabledByDefault", namespace, what);
          continue;
        }
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

/** Proxies have the image that the injector would give them now. */
export const proxyImages: Analyzer = {
  name: "injection.ImageAnalyzer",
  analyze(world, report) {
    for (const namespace of world.all("", "Namespace")) {
      const image = proxyImageOf(fields(injectorValues(world, namespace.labels["istio.io/rev"] ?? "").global));
      if (image === "") continue;
      const others = world.pods.filter((pod) => {
        if (pod.namespace !== namespace.name || pod.object.kind !== "Pod") return false;
        if (pod.annotations["sidecar.istio.io/proxyImage"] !== undefined) return false;
        const proxies = [...pod.containers, ...items(pod.spec.initContainers)].filter(
          ({ name }) => text(name) === "istio-proxy",
        );
        return proxies.some((each) => text(each.image) !== image && !isVariant(text(each.image), image));
      });
      if (others.length === 0) continue;
      const names = others.map(({ object }) => object.name).join(", ");
      const what = `the proxies of the pods ${names} have another image than ${image}, which new pods get; restart them`;
      report("PodsIstioProxyImageMismatchInNamespace", namespace, what);
    }
  },
};

/** True for `IMAGE-distroless` and the like, which `proxyImageType` chooses. */
function isVariant(found: string, image: string): boolean {
  return found.startsWith(`${image}-`);
}

function proxyImageOf({ proxy, hub, tag }: Fields): string {
  const image = text(fields(proxy).image);
  if (image.includes("/")) return image;
  return image && hub !== undefined && tag !== undefined ? `${text(hub)}/${image}:${text(tag)}` : "";
}

/** The values of the injector's templates of a revision, from its config map; empty when there is none. */
function injectorValues(world: World, revision: string): Fields {
  const name = `istio-sidecar-injector${revision && revision !== "default" ? `-${revision}` : ""}`;
  const map = world.find("", "ConfigMap", world.rootNamespace, name);
  try {
    return fields(JSON.parse(text(fields(map?.value.data).values) || "{}"));
  } catch {
    return {};
  }
}

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
