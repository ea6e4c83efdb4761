import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { sleep, waitFor } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import { AddressPool } from "./addresses.ts";
import { ApiClient } from "./api/client.ts";
import { Informer } from "./api/informer.ts";
import type { Claim, DataObject, EndpointSlice, KubeObject, PersistentVolume, Pod, Service } from "./api/types.ts";
import { DnsServer } from "./dns/server.ts";
import { HostImages, visibleFolders } from "./images/host-images.ts";
import { OciImages } from "./images/oci-images.ts";
import { capacity, NodeObject } from "./node-object.ts";
import { time } from "./pod/container-worker.ts";
import type { NodeContext } from "./pod/context.ts";
import { PodWorker } from "./pod/pod-worker.ts";
import { removePodNetworks } from "./runtime/pod-network.ts";
import { KubeletServer } from "./server/kubelet-server.ts";
import { LoadBalancer } from "./services/load-balancer.ts";
import { ServiceProxy } from "./services/service-proxy.ts";
import { create, Provisioner } from "./storage/provisioner.ts";

const log = logger("node");
const REFRESH_MS = 10_000;
const KUBELET_PORT = 10_250;
const DNS_PORT = 53;
const MOST_EVENTS = 1_000;

/** What the agent of a cluster's nodes needs; the cluster's launcher writes it. */
export interface AgentOptions {
  readonly kubeconfig: string;
  /** Names the cluster on this machine. */
  readonly cluster: string;
  /** Its own folder, which it empties when it starts. */
  readonly directory: string;
  /** Where archives of images lie. */
  readonly imagesDirectory: string;
  readonly volumesDirectory: string;
  /** The working copy. */
  readonly root: string;
  readonly nodes: readonly string[];
  readonly nodeIp: string;
  readonly dnsIp: string;
  readonly domain: string;
  readonly version: string;
  readonly nft: string;
  /** Folders that come first in the PATH of containers. */
  readonly path: readonly string[];
  readonly programs: { readonly envoy?: string; readonly "nats-server"?: string };
  /** The certificate of its server. */
  readonly cert: string;
  readonly key: string;
}

/** Everything that a node is: kubelet, kube-proxy, DNS, volumes. It runs in the node's network namespace, as root. */
export class NodeAgent {
  readonly #options: AgentOptions;
  readonly #api: ApiClient;
  readonly #workers = new Map<string, PodWorker>();
  readonly #informers: Informer<KubeObject>[] = [];
  readonly #nodes: NodeObject[];
  readonly #pools = new Map<string, AddressPool>();
  readonly #owners = new Map<string, AddressPool>();
  readonly #stop = new AbortController();
  #server: KubeletServer | undefined;
  #dns: DnsServer | undefined;
  #events = 0;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#api = new ApiClient(options.kubeconfig);
    this.#nodes = options.nodes.map(
      (name) =>
        new NodeObject({
          api: this.#api,
          name,
          ip: options.nodeIp,
          kubeletPort: KUBELET_PORT,
          version: options.version,
        }),
    );
  }

  /** Registers the nodes and begins to run their pods. */
  async start(): Promise<void> {
    const { directory, nodeIp, domain, dnsIp, nft, nodes } = this.#options;
    rmSync(directory, { recursive: true, force: true });
    await removePodNetworks(this.#options.cluster);
    const services = this.#informer<Service>("/api/v1/services", (_, after) => {
      proxy.changed();
      balancer.changed(after);
    });
    const slices = this.#informer<EndpointSlice>("/apis/discovery.k8s.io/v1/endpointslices", () => proxy.changed());
    const proxy = new ServiceProxy({
      ...{ table: "xebec-services", nodeIp, nodeNames: nodes, nft },
      services: () => services.objects.values(),
      slices: () => slices.objects.values(),
    });
    const balancer = new LoadBalancer(this.#api, nodeIp);
    const provisioner = new Provisioner(this.#api, this.#options.volumesDirectory);
    const configMaps = this.#informer<DataObject>("/api/v1/configmaps", () => this.#refreshSoon());
    const secrets = this.#informer<DataObject>("/api/v1/secrets", () => this.#refreshSoon());
    const claims = this.#informer<Claim>("/api/v1/persistentvolumeclaims", (_, after) =>
      provisioner.claimChanged(after),
    );
    const volumes = this.#informer<PersistentVolume>("/api/v1/persistentvolumes", (_, after) =>
      provisioner.volumeChanged(after),
    );
    const slicesOf = (namespace: string, service: string): EndpointSlice[] =>
      [...slices.objects.values()].filter(
        ({ metadata }) =>
          metadata.namespace === namespace && metadata.labels?.["kubernetes.io/service-name"] === service,
      );
    this.#dns = new DnsServer({
      domain,
      service: (namespace, name) => services.get(namespace, name),
      slices: slicesOf,
      serviceOf: (ip) => [...services.objects.values()].find(({ spec }) => spec.clusterIP === ip),
      podOf: (ip) => [...this.#workers.values()].find((each) => each.ip === ip)?.pod,
    });
    await this.#dns.listen(nodeIp, DNS_PORT);
    this.#server = new KubeletServer({
      ...{ cert: this.#options.cert, key: this.#options.key, ca: this.#api.ca },
      pod: (namespace, name) =>
        [...this.#workers.values()].find(
          ({ pod: { metadata } }) => metadata.namespace === namespace && metadata.name === name,
        ),
      pods: () => [...this.#workers.values()],
    });
    await this.#server.listen("0.0.0.0", KUBELET_PORT);
    await provisioner.start();
    await this.#dnsService(dnsIp);
    for (const each of this.#nodes) await each.start();
    await this.#addresses();
    await Promise.all([services, slices, configMaps, secrets, claims, volumes].map(({ synced }) => synced));
    const context: NodeContext = {
      ...{ api: this.#api, cluster: this.#options.cluster, directory, nodeIp, dnsIp, domain },
      images: new OciImages(this.#options.imagesDirectory, new HostImages(this.#options)),
      visible: visibleFolders(this.#options.root, this.#options.path),
      allocatable: capacity(),
      configMap: (namespace, name) => configMaps.get(namespace, name),
      secret: (namespace, name) => secrets.get(namespace, name),
      services: (namespace) =>
        [...services.objects.values()].filter(
          ({ metadata }) =>
            metadata.namespace === namespace || (metadata.namespace === "default" && metadata.name === "kubernetes"),
        ),
      claim: (namespace, name) => claims.get(namespace, name),
      volume: (name) => volumes.get(undefined, name),
      takeAddress: async (node, uid, before) => {
        const pool = this.#pools.get(node) as AddressPool;
        this.#owners.set(uid, pool);
        return pool.take(uid, before);
      },
      giveAddress: (uid) => {
        this.#owners.get(uid)?.give(uid);
        this.#owners.delete(uid);
      },
      event: (pod, type, reason, message) => this.#event(pod, type, reason, message),
    };
    const pods = this.#informer<Pod>(
      "/api/v1/pods",
      (before, after) => this.#podChanged(context, before, after),
      "fieldSelector=spec.nodeName!%3D",
    );
    await pods.synced;
    void this.#refresh();
    log.info({ nodes }, "the nodes are ready");
  }

  /** Ends all containers. */
  async stop(): Promise<void> {
    this.#stop.abort();
    for (const each of this.#informers) each.stop();
    for (const each of this.#nodes) each.stop();
    this.#dns?.close();
    this.#server?.close();
    for (const each of this.#workers.values()) each.end(0, false);
    await Promise.all([...this.#workers.values()].map((each) => each.ended()));
    this.#api.close();
  }

  #informer<T extends KubeObject>(
    path: string,
    changed: (before: T | undefined, after: T | undefined) => void,
    query?: string,
  ): Informer<T> {
    const informer = new Informer<T>(this.#api, { path, changed, ...(query === undefined ? {} : { query }) });
    this.#informers.push(informer as unknown as Informer<KubeObject>);
    return informer.start();
  }

  /** The ranges that the controllers give to the nodes. */
  async #addresses(): Promise<void> {
    for (const name of this.#options.nodes) {
      const cidr = await waitFor(
        `the pod range of node ${name}`,
        60_000,
        async () => (await this.#api.get<{ spec: { podCIDR?: string } }>(`/api/v1/nodes/${name}`)).spec.podCIDR,
        100,
      );
      this.#pools.set(name, new AddressPool(cidr));
    }
  }

  async #dnsService(clusterIP: string): Promise<void> {
    const metadata = { name: "kube-dns", namespace: "kube-system", labels: { "k8s-app": "kube-dns" } };
    const ports = (["UDP", "TCP"] as const).map((protocol) => ({
      ...{ name: protocol === "UDP" ? "dns" : "dns-tcp", protocol, port: DNS_PORT },
    }));
    const path = "/api/v1/namespaces/kube-system/services";
    await create(this.#api, path, { apiVersion: "v1", kind: "Service", metadata, spec: { clusterIP, ports } });
    await create(this.#api, "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices", {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { ...metadata, labels: { ...metadata.labels, "kubernetes.io/service-name": "kube-dns" } },
      addressType: "IPv4",
      endpoints: [{ addresses: [this.#options.nodeIp], conditions: { ready: true } }],
      ports,
    });
  }

  #podChanged(context: NodeContext, before: Pod | undefined, after: Pod | undefined): void {
    const uid = (after ?? before)?.metadata.uid ?? "";
    const worker = this.#workers.get(uid);
    // Another pod of the same name has taken its place while nobody looked.
    if (before && after && before.metadata.uid !== after.metadata.uid)
      this.#workers.get(before.metadata.uid)?.end(0, false);
    if (!after) {
      worker?.end(0, false);
      return;
    }
    if (!this.#options.nodes.includes(after.spec.nodeName ?? "")) return;
    if (worker) {
      worker.update(after);
      return;
    }
    const made = new PodWorker(context, after, () => this.#workers.delete(uid));
    this.#workers.set(uid, made);
    if (after.metadata.deletionTimestamp) made.end(0);
    else made.start();
  }

  #refreshing: NodeJS.Timeout | undefined;

  #refreshSoon(): void {
    this.#refreshing ??= setTimeout(() => {
      this.#refreshing = undefined;
      void this.#refreshAll();
    }, 200);
  }

  async #refresh(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await sleep(REFRESH_MS, this.#stop.signal);
      await this.#refreshAll();
    }
  }

  async #refreshAll(): Promise<void> {
    for (const each of this.#workers.values())
      await each
        .refresh()
        .catch((error: unknown) => log.warn({ err: error, pod: each.pod.metadata.name }, "its files are not fresh"));
  }

  #event(pod: Pod, type: "Normal" | "Warning", reason: string, message: string): void {
    // So many at a time are of no use to anybody.
    if (this.#events >= MOST_EVENTS) return;
    this.#events++;
    const { name, namespace, uid } = pod.metadata;
    const now = time(new Date());
    void this.#api
      .call("POST", `/api/v1/namespaces/${namespace}/events`, {
        body: {
          apiVersion: "v1",
          kind: "Event",
          metadata: { name: `${name.slice(0, 200)}.${randomBytes(8).toString("hex")}`, namespace },
          involvedObject: { apiVersion: "v1", kind: "Pod", name, namespace, uid },
          source: { component: "kubelet", host: pod.spec.nodeName },
          ...{ type, reason, message: message.slice(0, 1_000), count: 1, firstTimestamp: now, lastTimestamp: now },
        },
      })
      .catch(() => {}) // a namespace that ends takes no more events
      .finally(() => {
        this.#events--;
      });
  }
}
