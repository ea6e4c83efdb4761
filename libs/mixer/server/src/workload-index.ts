import type { Workload, Workloads } from "@xebec/mixer-sdk";
import { decodeWorkloadRecord, type PodRecord, type ServiceRecord, type WorkloadRecord } from "@xebec/model-workloads";
import { BoundedCache } from "./bounded-cache.ts";
import { adapterViewOf, identityOf, type PeerInfo, peerOfIdentity, peerOfPod } from "./peer.ts";

/** A service as attributes describe it. */
export interface ServiceView {
  readonly host: string;
  readonly name: string;
  readonly namespace: string;
}

interface PodEntry {
  readonly pod: PodRecord;
  readonly peer: PeerInfo;
}

/** The bucket `workloads`, found by address, uid, identity and host. */
export class WorkloadIndex {
  readonly #records = new Map<string, WorkloadRecord>();
  readonly #byIp = new Map<string, PodEntry>();
  readonly #byUid = new Map<string, PodEntry>();
  readonly #byIdentity = new Map<string, Map<string, PodEntry>>();
  readonly #services = new Map<string, ServiceRecord>();
  // Answers that cost a search; forgotten at every change.
  readonly #peers = new BoundedCache<PeerInfo>(10_000);
  readonly #hosts = new Map<string, ServiceView | undefined>();
  readonly #selected = new Map<string, ServiceView | undefined>();

  /** Takes over a change of the state. @returns keys of values that could not be read */
  apply(puts: ReadonlyMap<string, Uint8Array>, deletes: ReadonlySet<string>): string[] {
    const bad: string[] = [];
    for (const key of deletes) this.#remove(key);
    for (const [key, bytes] of puts) {
      this.#remove(key);
      try {
        this.#add(key, decodeWorkloadRecord(bytes));
      } catch {
        bad.push(key); // the caller logs it once for all keys of the change
      }
    }
    this.#peers.clear();
    this.#hosts.clear();
    this.#selected.clear();
    return bad;
  }

  get podCount(): number {
    return this.#byUid.size;
  }

  /** The pod with an address, as text. */
  byIp(ip: string): PeerInfo | undefined {
    return this.#byIp.get(ip)?.peer;
  }

  /** The pods, as adapters see them. */
  get workloads(): Workloads {
    const view = (entry: PodEntry | undefined): Workload | undefined => entry && adapterViewOf(entry.pod);
    return { byIp: (ip) => view(this.#byIp.get(ip)), byUid: (uid) => view(this.#byUid.get(uid)) };
  }

  /** The pod with a uid, `kubernetes://<pod>.<namespace>`. */
  byUid(uid: string): PeerInfo | undefined {
    return this.#byUid.get(uid)?.peer;
  }

  /**
   * The caller with an address and a principal. What the certificate proves wins over the address: behind a gateway or a
   * shared address the two differ.
   */
  byIpAndPrincipal(ip: string, principal: string): PeerInfo | undefined {
    const entry = this.#byIp.get(ip);
    const identity = principal === "" ? undefined : identityOf(principal);
    if (!identity) return entry?.peer;
    const { namespace, serviceAccount } = identity;
    if (entry && entry.pod.namespace === namespace && entry.pod.serviceAccount === serviceAccount) return entry.peer;
    const known = this.#peers.get(principal);
    if (known) return known;
    const pods = [...(this.#byIdentity.get(`${namespace}/${serviceAccount}`)?.values() ?? [])];
    const workloads = new Set(pods.map(({ pod }) => pod.workload.name));
    const only = workloads.size === 1 ? pods[0]?.pod.workload.name : undefined;
    // Pods of one workload are alike; what differs between them is left out.
    const peer: PeerInfo = {
      ...peerOfIdentity(identity, only),
      ...(only && pods[0] ? commonOf(pods.map((each) => each.peer)) : {}),
    };
    this.#peers.set(principal, peer);
    return peer;
  }

  /** The service of a host name, as clients write it: fully qualified, `name.namespace`, or `name` seen from a namespace. */
  service(host: string, namespace = ""): ServiceView | undefined {
    const cached = namespace === "" ? this.#hosts.get(host) : undefined;
    if (cached !== undefined) return cached;
    const found =
      this.#services.get(host) ??
      this.#services.get(`${host}/${namespace}`) ??
      this.#services.get(host.replace(/\.svc$/, ""));
    const view = found && viewOf(found);
    if (namespace === "" && view && this.#hosts.size < 10_000) this.#hosts.set(host, view);
    return view;
  }

  /** The service that selects the pod with an address and sends to a port of it. Of several the first by name. */
  serviceOfPod(ip: string, port: number): ServiceView | undefined {
    const pod = this.#byIp.get(ip)?.pod;
    if (!pod) return undefined;
    const key = `${ip}:${port}`;
    if (this.#selected.has(key)) return this.#selected.get(key);
    const candidates = this.#servicesOf(pod);
    const byPort = candidates.find((each) =>
      each.ports.some(({ targetPort }) => targetPort === port || portOf(pod, targetPort) === port),
    );
    const found = byPort ?? (candidates.length === 1 ? candidates[0] : undefined);
    const view = found && viewOf(found);
    // Ports come from requests: the table must not grow with them.
    if (this.#selected.size < 10_000) this.#selected.set(key, view);
    return view;
  }

  #servicesOf(pod: PodRecord): ServiceRecord[] {
    const all = new Set(this.#services.values());
    return [...all]
      .filter(({ namespace, selector }) => {
        const wanted = Object.entries(selector ?? {});
        return (
          namespace === pod.namespace && wanted.length > 0 && wanted.every(([key, value]) => pod.labels[key] === value)
        );
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #add(key: string, record: WorkloadRecord): void {
    this.#records.set(key, record);
    if (record.type === "pod") {
      const peer = peerOfPod(record);
      const entry: PodEntry = { pod: record, peer };
      if (record.ip) this.#byIp.set(record.ip, entry);
      if (record.appIp) this.#byIp.set(record.appIp, entry);
      this.#byUid.set(peer.uid as string, entry);
      const identity = `${record.namespace}/${record.serviceAccount}`;
      const same = this.#byIdentity.get(identity) ?? new Map<string, PodEntry>();
      this.#byIdentity.set(identity, same.set(key, entry));
    } else if (record.type === "service") for (const name of namesOf(record)) this.#services.set(name, record);
  }

  #remove(key: string): void {
    const record = this.#records.get(key);
    if (!record) return;
    this.#records.delete(key);
    if (record.type === "pod") {
      // A successor may have taken the address meanwhile.
      for (const ip of [record.ip, record.appIp]) if (ip && this.#byIp.get(ip)?.pod === record) this.#byIp.delete(ip);
      this.#byUid.delete(`kubernetes://${record.name}.${record.namespace}`);
      const identity = `${record.namespace}/${record.serviceAccount}`;
      const same = this.#byIdentity.get(identity);
      same?.delete(key);
      if (same?.size === 0) this.#byIdentity.delete(identity);
    } else if (record.type === "service")
      for (const name of namesOf(record)) if (this.#services.get(name) === record) this.#services.delete(name);
  }
}

function namesOf({ hostname, name, namespace, addresses }: ServiceRecord): string[] {
  return [hostname, `${name}.${namespace}`, `${name}/${namespace}`, ...addresses];
}

const viewOf = ({ hostname, name, namespace }: ServiceRecord): ServiceView => ({ host: hostname, name, namespace });

function portOf(pod: PodRecord, target: number | string): number | undefined {
  return typeof target === "number" ? target : pod.ports.find((each) => each.name === target)?.containerPort;
}

/** What all pods of a workload have in common. */
function commonOf(peers: readonly PeerInfo[]): PeerInfo {
  const [first, ...others] = peers;
  if (!first) return {};
  const { workloadUid, workloadName, workloadNamespace, owner, labels } = first;
  const shared = [...(labels?.entries() ?? [])].filter(([key, value]) =>
    others.every((each) => each.labels?.get(key) === value),
  );
  return {
    labels: new Map(shared),
    ...(workloadUid === undefined ? {} : { workloadUid }),
    ...(workloadName === undefined ? {} : { workloadName }),
    ...(workloadNamespace === undefined ? {} : { workloadNamespace }),
    ...(owner === undefined ? {} : { owner }),
  };
}
