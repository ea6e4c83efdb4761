import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ClusterCa, clusterCa, createClusterCa, type Subject } from "./certificates.ts";
import { kubeconfig } from "./kubeconfig.ts";

export interface ClusterFilesOptions {
  readonly directory: string;
  /** Where clients reach the API server, `https://HOST:PORT`. */
  readonly server: string;
  /** Names and addresses of the API server. */
  readonly dns: readonly string[];
  readonly ips: readonly string[];
}

/** The users of a cluster that get a kubeconfig, and their groups. */
const USERS = {
  admin: { commonName: "kubernetes-admin", organizations: ["system:masters"] },
  "controller-manager": { commonName: "system:kube-controller-manager" },
  scheduler: { commonName: "system:kube-scheduler" },
  node: { commonName: "xebec-node-agent", organizations: ["system:masters"] },
} as const satisfies Record<string, Subject>;
export type ClusterUser = keyof typeof USERS;

/** The files that the parts of a control plane share; made once, kept when the cluster starts again in the same directory. */
export class ClusterFiles {
  readonly directory: string;
  readonly ca: ClusterCa;

  private constructor(directory: string, ca: ClusterCa) {
    this.directory = directory;
    this.ca = ca;
  }

  /** @returns the path of a file of the directory */
  path(name: string): string {
    return join(this.directory, name);
  }

  kubeconfigPath(user: ClusterUser): string {
    return user === "admin" ? this.path("kubeconfig") : this.path(`${user}.kubeconfig`);
  }

  static async make({ directory, server, dns, ips }: ClusterFilesOptions): Promise<ClusterFiles> {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const ca = await authority(directory, "ca", "xebec-cluster");
    const frontProxy = await authority(directory, "front-proxy-ca", "xebec-cluster-front-proxy");
    const files = new ClusterFiles(directory, ca);
    const write = (name: string, content: string): void => writeFileSync(files.path(name), content, { mode: 0o600 });
    const pair = async (name: string, issuer: ClusterCa, subject: Subject): Promise<void> => {
      if (existsSync(files.path(`${name}.crt`))) return;
      const { cert, key } = await issuer.issue(subject);
      write(`${name}.key`, key);
      write(`${name}.crt`, cert);
    };
    await Promise.all([
      pair("apiserver", ca, { commonName: "kube-apiserver", dns, ips }),
      pair("kubelet-client", ca, { commonName: "kube-apiserver-kubelet-client", organizations: ["system:masters"] }),
      pair("front-proxy-client", frontProxy, { commonName: "front-proxy-client" }),
      ...Object.entries(USERS).map(async ([user, subject]) => {
        const { cert, key } = await ca.issue(subject);
        write(
          user === "admin" ? "kubeconfig" : `${user}.kubeconfig`,
          kubeconfig({ server, ca: ca.cert, cert, key, user: subject.commonName }),
        );
      }),
    ]);
    if (!existsSync(files.path("sa.key"))) {
      const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
      write("sa.key", privateKey.export({ type: "pkcs1", format: "pem" }) as string);
      write("sa.pub", publicKey.export({ type: "spki", format: "pem" }) as string);
    }
    return files;
  }
}

async function authority(directory: string, name: string, commonName: string): Promise<ClusterCa> {
  const [certFile, keyFile] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)];
  if (existsSync(certFile))
    return clusterCa({ cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") });
  const ca = await createClusterCa(commonName);
  writeFileSync(keyFile, ca.key, { mode: 0o600 });
  writeFileSync(certFile, ca.cert, { mode: 0o644 });
  return ca;
}
