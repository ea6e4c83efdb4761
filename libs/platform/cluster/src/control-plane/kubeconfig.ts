export interface KubeconfigOptions {
  readonly server: string;
  /** PEM. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly user: string;
  readonly cluster?: string;
}

/** A kubeconfig of one cluster and one user, with everything in it. JSON is YAML, too. */
export function kubeconfig({ server, ca, cert, key, user, cluster = "xebec" }: KubeconfigOptions): string {
  const data = (pem: string): string => Buffer.from(pem).toString("base64");
  return `${JSON.stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: cluster, cluster: { server, "certificate-authority-data": data(ca) } }],
      users: [{ name: user, user: { "client-certificate-data": data(cert), "client-key-data": data(key) } }],
      contexts: [{ name: cluster, context: { cluster, user } }],
      "current-context": cluster,
    },
    null,
    2,
  )}\n`;
}
