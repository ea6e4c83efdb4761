import type { EndpointsRecord, ServiceRecord, WorkloadRecord } from "@xebec/model-workloads";
import {
  endpointsFromRecord,
  endpointsOfExternalName,
  type MeshService,
  serviceFromRecord,
} from "@xebec/pilot-registry";
import type { Edit } from "./snapshot-edit.ts";

/** Kubernetes services as they came, with what was made of them, and whose endpoints have to be made anew for a pod. */
export class WorkloadIndex {
  /** By `<namespace>/<name>`. */
  readonly #services = new Map<string, { readonly record: ServiceRecord; readonly service: MeshService }>();
  readonly #endpoints = new Map<string, EndpointsRecord>();
  /** Endpoints records (`<namespace>/<name>`) that name a pod. */
  readonly #endpointsOfPod = new Map<string, Set<string>>();

  /** Takes one record, or its end. @param key `workloadKey` of it */
  put(key: string, record: WorkloadRecord | undefined, edit: Edit): void {
    const [type, ...rest] = key.split("/");
    const name = rest.join("/");
    if (type === "service") this.#putService(name, record?.type === "service" ? record : undefined, edit);
    else if (type === "endpoints") this.#putEndpoints(name, record?.type === "endpoints" ? record : undefined, edit);
    else if (type === "pod") {
      edit.replacePod(name, record?.type === "pod" ? record : undefined);
      for (const endpoints of this.#endpointsOfPod.get(name) ?? []) this.#refresh(endpoints, edit);
    }
  }

  /** Makes all endpoints anew: identities hold the trust domain. */
  refresh(edit: Edit): void {
    for (const name of this.#services.keys()) this.#refresh(name, edit);
  }

  #putService(name: string, record: ServiceRecord | undefined, edit: Edit): void {
    const after = record && { record, service: serviceFromRecord(record) };
    const before = this.#services.get(name);
    if (after) this.#services.set(name, after);
    else this.#services.delete(name);
    edit.replaceService(before?.service, after?.service);
    this.#refresh(name, edit);
  }

  #putEndpoints(name: string, record: EndpointsRecord | undefined, edit: Edit): void {
    const pods = podsOf(record);
    for (const pod of podsOf(this.#endpoints.get(name))) {
      const readers = this.#endpointsOfPod.get(pod);
      readers?.delete(name);
      // Names of pods never come again.
      if (readers?.size === 0) this.#endpointsOfPod.delete(pod);
    }
    if (record) {
      this.#endpoints.set(name, record);
      for (const pod of pods) {
        const readers = this.#endpointsOfPod.get(pod);
        if (readers) readers.add(name);
        else this.#endpointsOfPod.set(pod, new Set([name]));
      }
    } else this.#endpoints.delete(name);
    this.#refresh(name, edit);
  }

  /** How many pods some endpoints name. */
  get podsNamed(): number {
    return this.#endpointsOfPod.size;
  }

  /** Makes the endpoints of a service anew. */
  #refresh(name: string, edit: Edit): void {
    const known = this.#services.get(name);
    if (!known) return;
    const { record: service } = known;
    const record = this.#endpoints.get(name);
    edit.setEndpoints(
      known.service,
      service.externalName
        ? endpointsOfExternalName(service)
        : record
          ? endpointsFromRecord(record, (pod) => edit.snapshot.pods.get(pod), edit.snapshot.mesh.trustDomain)
          : [],
    );
  }
}

function podsOf(record: EndpointsRecord | undefined): string[] {
  return (record?.subsets ?? []).flatMap((subset) => subset.addresses.flatMap((each) => (each.pod ? [each.pod] : [])));
}
