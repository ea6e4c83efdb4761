import { field, map, message, type Static, string } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";

/** A service by its name, or by its host (docs/reference/mixer.md §1.2). */
export const IstioService = message("IstioService", {
  name: field(string(), "The service's short name."),
  namespace: field(string(), "Its namespace.", { defaultText: "the object's own" }),
  domain: field(string(), "The DNS suffix of its host.", { defaultText: "svc.cluster.local" }),
  service: field(string(), "Its host in place of a name; `*` stands for all services."),
  labels: field(map(string()), "Accepted and not read, as in Istio 1.1.", {
    noEffect: "Istio 1.1 does not read it either",
  }),
});
export type IstioService = Static<typeof IstioService>;

/** The host that is meant; `*` for all services. @param own the namespace of the object that names it */
export function boundHost({ name = "", namespace, domain, service }: IstioService, own: string): string {
  if (service) return service;
  return `${name}.${namespace || own}.${domain || "svc.cluster.local"}`;
}

/** At least one service, each by its name or by its host. */
export function checkBoundServices(services: readonly IstioService[], check: Checker): void {
  if (services.length === 0) check.fail(["spec", "services"], "must name at least one service");
  for (const [i, { name, service, namespace, domain }] of services.entries()) {
    const path = ["spec", "services", i];
    if (!name && !service) check.fail(path, "must have name or service");
    else if (name && service) check.fail(path, "must have only one of name and service");
    else if (service && (namespace || domain)) check.fail(path, "namespace and domain belong to name, not to service");
    if (name) check.name(name, [...path, "name"]);
    if (namespace) check.name(namespace, [...path, "namespace"]);
  }
}
