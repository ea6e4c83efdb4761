import { readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import type { KubeAssets } from "../assets/find.ts";
import { ClusterFiles, type ClusterUser } from "./cluster-files.ts";
import { Part } from "./part.ts";
import { freePorts } from "./ports.ts";

export interface ControlPlaneOptions {
  readonly assets: Pick<KubeAssets, "etcd" | "kube-apiserver"> & Partial<KubeAssets>;
  /** Keys, certificates, kubeconfigs, logs and etcd's data. A start in the same directory goes on with what it holds. */
  readonly directory: string;
  /** The address that the API server listens on; pods reach it there, too (127.0.0.1: no pods). */
  readonly address?: string;
  /** Its port (a free one). */
  readonly port?: number;
  readonly serviceCidr?: string;
  readonly podCidr?: string;
  /** Also run the controllers (true) and the scheduler (true). */
  readonly controllers?: boolean;
  readonly scheduler?: boolean;
  /** Put before each command: enters a network namespace. */
  readonly prefix?: readonly string[];
  /** More flags of the API server. */
  readonly apiServerFlags?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

export const SERVICE_CIDR = "10.96.0.0/16";
export const POD_CIDR = "10.244.0.0/16";
export const CLUSTER_DOMAIN = "cluster.local";

/** etcd, kube-apiserver, kube-controller-manager and kube-scheduler of one cluster. */
export class ControlPlane {
  readonly files: ClusterFiles;
  readonly server: string;
  readonly etcd: Part;
  readonly apiServer: Part;
  readonly controllerManager: Part | undefined;
  readonly scheduler: Part | undefined;

  private constructor(files: ClusterFiles, server: string, parts: PartsByName) {
    this.files = files;
    this.server = server;
    this.etcd = parts.etcd;
    this.apiServer = parts["kube-apiserver"];
    this.controllerManager = parts["kube-controller-manager"];
    this.scheduler = parts["kube-scheduler"];
  }

  /** The parts in the order of their start. */
  get parts(): readonly Part[] {
    return [this.etcd, this.apiServer, this.controllerManager, this.scheduler].filter((each) => each !== undefined);
  }

  /** The kubeconfig file of a user; the default one may do everything. */
  kubeconfig(user: ClusterUser = "admin"): string {
    return this.files.kubeconfigPath(user);
  }

  /**
   * Prepares a control plane; nothing runs yet.
   * @throws XebecError when no port is free
   */
  static async create(options: ControlPlaneOptions): Promise<ControlPlane> {
    const { directory, address = "127.0.0.1", serviceCidr = SERVICE_CIDR, podCidr = POD_CIDR, assets } = options;
    const [etcdPort, etcdPeerPort, managerPort, schedulerPort, freePort] = await freePorts(5);
    const port = options.port ?? freePort;
    const server = `https://${address}:${port}`;
    const first = firstAddress(serviceCidr);
    const names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"];
    const files = await ClusterFiles.make({
      directory,
      server,
      dns: [...names, `kubernetes.default.svc.${CLUSTER_DOMAIN}`, "localhost"],
      ips: [...new Set([address, "127.0.0.1", first])],
    });
    const isAlone = address.startsWith("127.");
    const ca = readFileSync(files.path("ca.crt"), "utf8");
    const part = (name: keyof PartsByName & string, flags: readonly string[], ready: () => Promise<boolean>): Part =>
      new Part({
        name,
        command: [...(options.prefix ?? []), assets[name] ?? name, ...flags],
        logFile: join(directory, `${name}.log`),
        env: { ...process.env, ...options.env },
        ready,
        readyMs: 90_000,
      });
    const etcdUrl = `http://127.0.0.1:${etcdPort}`;
    const peerUrl = `http://127.0.0.1:${etcdPeerPort}`;
    const parts: PartsByName = {
      // Its data may be lost with the machine: the cluster is made anew then.
      etcd: part(
        "etcd",
        [
          ...["--data-dir", files.path("etcd"), "--unsafe-no-fsync", "--logger", "zap", "--log-level", "warn"],
          ...["--listen-client-urls", etcdUrl, "--advertise-client-urls", etcdUrl, "--listen-peer-urls", peerUrl],
          ...["--initial-advertise-peer-urls", peerUrl, "--initial-cluster", `default=${peerUrl}`],
        ],
        async () => true, // the API server waits for it, and may look at it from another network namespace
      ),
      "kube-apiserver": part(
        "kube-apiserver",
        [
          ...[`--etcd-servers=${etcdUrl}`, `--bind-address=${address}`, `--advertise-address=${address}`],
          `--secure-port=${port}`,
          ...tls(files, "--tls-cert-file", "--tls-private-key-file", "apiserver"),
          `--client-ca-file=${files.path("ca.crt")}`,
          "--service-account-issuer=https://kubernetes.default.svc",
          `--service-account-key-file=${files.path("sa.pub")}`,
          `--service-account-signing-key-file=${files.path("sa.key")}`,
          "--authorization-mode=Node,RBAC",
          "--allow-privileged=true",
          `--service-cluster-ip-range=${serviceCidr}`,
          ...tls(files, "--kubelet-client-certificate", "--kubelet-client-key", "kubelet-client"),
          `--kubelet-certificate-authority=${files.path("ca.crt")}`,
          "--kubelet-preferred-address-types=InternalIP",
          ...tls(files, "--proxy-client-cert-file", "--proxy-client-key-file", "front-proxy-client"),
          `--requestheader-client-ca-file=${files.path("front-proxy-ca.crt")}`,
          "--requestheader-allowed-names=front-proxy-client",
          "--requestheader-username-headers=X-Remote-User",
          "--requestheader-group-headers=X-Remote-Group",
          "--requestheader-extra-headers-prefix=X-Remote-Extra-",
          "--enable-priority-and-fairness=false",
          "--profiling=false",
          // A loopback address is no endpoint of the Service `kubernetes`.
          ...(isAlone ? ["--endpoint-reconciler-type=none"] : []),
          ...(options.apiServerFlags ?? []),
        ],
        () => answersOk(server, "/readyz", ca),
      ),
      ...(options.controllers === false
        ? {}
        : {
            "kube-controller-manager": part(
              "kube-controller-manager",
              [
                ...kubeconfigs(files, "controller-manager"),
                ...["--leader-elect=false", "--bind-address=127.0.0.1", `--secure-port=${managerPort}`],
                ...["--use-service-account-credentials=true", "--kube-api-qps=200", "--kube-api-burst=400"],
                `--service-account-private-key-file=${files.path("sa.key")}`,
                `--root-ca-file=${files.path("ca.crt")}`,
                `--cluster-signing-cert-file=${files.path("ca.crt")}`,
                `--cluster-signing-key-file=${files.path("ca.key")}`,
                ...(isAlone
                  ? []
                  : ["--allocate-node-cidrs=true", `--cluster-cidr=${podCidr}`, "--node-cidr-mask-size=24"]),
                ...["--profiling=false", "--node-monitor-period=2s"],
                // An agent that ends is started again at once: a node that says nothing only waits for the API server.
                "--node-monitor-grace-period=300s",
              ],
              async () => true,
            ),
          }),
      ...(options.scheduler === false
        ? {}
        : {
            "kube-scheduler": part(
              "kube-scheduler",
              [
                ...kubeconfigs(files, "scheduler"),
                ...["--leader-elect=false", "--bind-address=127.0.0.1", `--secure-port=${schedulerPort}`],
                ...["--kube-api-qps=200", "--kube-api-burst=400", "--profiling=false"],
              ],
              async () => true,
            ),
          }),
    };
    return new ControlPlane(files, server, parts);
  }

  /** Starts all parts; resolves when the API server is ready. @throws XebecError with the end of the log of what fails */
  async start(): Promise<void> {
    try {
      for (const each of this.parts) await each.start();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Ends all parts, the API server before etcd. */
  async stop(): Promise<void> {
    await Promise.all([this.scheduler?.stop(), this.controllerManager?.stop()]);
    // An API server that drains its watches for minutes has nobody to do it for.
    await this.apiServer.stop("SIGKILL");
    await this.etcd.stop();
  }
}

interface PartsByName {
  readonly etcd: Part;
  readonly "kube-apiserver": Part;
  readonly "kube-controller-manager"?: Part;
  readonly "kube-scheduler"?: Part;
}

function tls(files: ClusterFiles, certFlag: string, keyFlag: string, name: string): string[] {
  return [`${certFlag}=${files.path(`${name}.crt`)}`, `${keyFlag}=${files.path(`${name}.key`)}`];
}

function kubeconfigs(files: ClusterFiles, user: ClusterUser): string[] {
  return ["--kubeconfig", "--authentication-kubeconfig", "--authorization-kubeconfig"].map(
    (flag) => `${flag}=${files.kubeconfigPath(user)}`,
  );
}

/** The first address of an IPv4 range: the Service `kubernetes` has it. */
function firstAddress(cidr: string): string {
  const parts = (cidr.split("/")[0] as string).split(".").map(Number);
  return [...parts.slice(0, 3), (parts[3] as number) + 1].join(".");
}

function answersOk(server: string, path: string, ca: string): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request(`${server}${path}`, { ca, timeout: 2_000, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    call.on("timeout", () => call.destroy());
    call.on("error", () => resolve(false));
    call.end();
  });
}
