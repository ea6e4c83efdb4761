import { labelsMatch, protocolByName } from "@xebec/model-names";
import type { Analyzer } from "../analyzer.ts";
import { type AnalyzedObject, type Fields, text } from "../object.ts";
import { hasProxy, isInjected } from "../workload.ts";
import type { KnownService, World } from "../world.ts";

const SYSTEM_NAMESPACE = /^kube-/;

/** Names of ports say the protocol. */
export const portNames: Analyzer = {
  name: "service.PortNameAnalyzer",
  analyze(world, report) {
    for (const { object, ports } of kubernetesServices(world)) {
      if (SYSTEM_NAMESPACE.test(object.namespace)) continue;
      const isExternal = text(object.spec.type) === "ExternalName";
      for (const [i, port] of ports.entries()) {
        if (text(port.appProtocol) || text(port.protocol) === "UDP" || text(port.protocol) === "SCTP") continue;
        const name = text(port.name);
        const prefix = name.startsWith("grpc-web") ? "grpc-web" : name.split("-")[0];
        const known = protocolByName(prefix ?? "") !== undefined;
        const path = ["spec", "ports", i];
        if (isExternal && (!known || prefix === "tcp")) {
          const what =
            "the name of the port of an ExternalName service must say a protocol other than TCP, such as https: other traffic for that port may go astray";
          report("ExternalNameServiceTypeInvalidPortName", object, what, path);
        } else if (!isExternal && !known) {
          const what = `the name "${name}" of port ${text(port.port)} does not begin with a protocol, and there is no appProtocol; the protocol is detected`;
          report("PortNameIsNotUnderNamingConvention", object, what, path);
        }
      }
    }
  },
};

/** Services that share the pods of a deployment agree on protocols and ports. */
export const sharedPods: Analyzer = {
  name: "deployment.MultiServiceAnalyzer",
  analyze(world, report) {
    for (const pod of world.pods) {
      if (pod.object.kind === "Pod") continue;
      if (!isInjected(pod, world.namespaceLabels(pod.namespace)) && !hasProxy(pod)) continue;
      const services = kubernetesServices(world).filter(
        ({ namespace, selector }) => namespace === pod.namespace && selector && labelsMatch(selector, pod.labels),
      );
      const ports = services.flatMap((service) => service.ports.map((port) => ({ service, port })));
      const names = (found: typeof ports): string =>
        [...new Set(found.map(({ service }) => service.object.name))].join(",");
      for (const [number, found] of Map.groupBy(ports, ({ port }) => text(port.port))) {
        const protocols = new Set(found.map(({ port }) => text(port.protocol) || "TCP"));
        if (protocols.size < 2) continue;
        const what = `the services ${names(found)} give the port ${number} of these pods different protocols`;
        report("DeploymentAssociatedToMultipleServices", pod.object, what);
      }
      for (const [target, found] of Map.groupBy(ports, ({ port }) => targetOf(port))) {
        const numbers = new Set(found.map(({ port }) => text(port.port)));
        if (numbers.size < 2 || new Set(found.map(({ service }) => service)).size < 2) continue;
        const what = `the services ${names(found)} lead to the target port ${target} of these pods from different ports: ${[...numbers].join(", ")}`;
        report("DeploymentConflictingPorts", pod.object, what);
      }
    }
  },
};

function targetOf(port: Fields): string {
  return text(port.targetPort ?? port.port);
}

function kubernetesServices(world: World): KnownService[] {
  return world.services.filter(({ object }: { object: AnalyzedObject }) => object.group === "");
}

const NO_AUTO_ALLOCATION = "networking.istio.io/enable-autoallocate-ip";

/** TCP has no name: an address must choose the service, when none is allocated. */
export const serviceEntryAddresses: Analyzer = {
  name: "serviceentry.Analyzer",
  analyze(world, report) {
    for (const object of world.all("networking.istio.io", "ServiceEntry")) {
      if (object.labels[NO_AUTO_ALLOCATION] !== "false") continue;
      if (Array.isArray(object.spec.addresses) && object.spec.addresses.length > 0) continue;
      for (const [i, port] of (Array.isArray(object.spec.ports) ? (object.spec.ports as Fields[]) : []).entries()) {
        if (!["", "TCP"].includes(text(port.protocol).toUpperCase())) continue;
        const what = "a port of the protocol TCP needs addresses, by which connections find it";
        report("ServiceEntryAddressesRequired", object, what, ["spec", "ports", i]);
      }
    }
  },
};
