import { XebecError } from "@xebec/core-errors";
import { readYaml, writeYaml } from "@xebec/core-yaml";
import { type ClusterFlags, kubectl } from "../install/helm.ts";
import { print } from "../output.ts";

export interface RemoteSecretFlags extends ClusterFlags {
  readonly name: string;
  readonly server?: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

/**
 * `xebec create-remote-secret`: a Secret by which another cluster's control plane reads this one, as istioctl writes it. It holds a token
 * of the service account, which may read what the control plane reads.
 */
export async function createRemoteSecret(flags: RemoteSecretFlags): Promise<number> {
  const { name, namespace, serviceAccount } = flags;
  const config = readYaml(await kubectl(["config", "view", "--minify", "--raw", "--flatten", "-o", "json"], flags)) as {
    clusters: { cluster: { server: string; "certificate-authority-data"?: string } }[];
  };
  const cluster = config.clusters[0]?.cluster;
  if (!cluster) throw new XebecError("failed_precondition", "the kubeconfig has no cluster");
  const secretName = `${serviceAccount}-istio-remote-secret-token`;
  const tokenSecret = {
    ...{ apiVersion: "v1", kind: "Secret", type: "kubernetes.io/service-account-token" },
    metadata: { name: secretName, namespace, annotations: { "kubernetes.io/service-account.name": serviceAccount } },
  };
  const found = await kubectl(
    ["-n", namespace, "get", "serviceaccount", serviceAccount, "--ignore-not-found", "-o", "name"],
    flags,
  );
  if (found.trim() === "")
    throw new XebecError(
      "not_found",
      `there is no service account ${namespace}/${serviceAccount}: install with global.multiCluster.enabled=true, or name another with --service-account`,
    );
  await kubectl(["apply", "-f", "-"], flags, JSON.stringify(tokenSecret));
  const wait = "--for=jsonpath={.data.token}";
  await kubectl(["-n", namespace, "wait", wait, "--timeout=30s", `secret/${secretName}`], flags);
  const made = readYaml(await kubectl(["-n", namespace, "get", "secret", secretName, "-o", "json"], flags)) as {
    data: { token: string; "ca.crt": string };
  };
  const kubeconfig = {
    ...{ apiVersion: "v1", kind: "Config", "current-context": name },
    clusters: [
      { name, cluster: { server: flags.server ?? cluster.server, "certificate-authority-data": made.data["ca.crt"] } },
    ],
    users: [{ name, user: { token: Buffer.from(made.data.token, "base64").toString() } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  };
  print(
    writeYaml({
      ...{ apiVersion: "v1", kind: "Secret" },
      metadata: {
        name: `istio-remote-secret-${name}`,
        namespace,
        labels: { "istio/multiCluster": "true" },
        annotations: { "networking.istio.io/cluster": name },
      },
      stringData: { [name]: writeYaml(kubeconfig) },
    }),
  );
  return 0;
}
