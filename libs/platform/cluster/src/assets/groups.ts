import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { arch } from "node:os";
import { join } from "node:path";
import { ETCD_PACKAGES, KUBECTL_PACKAGE, KUBERNETES_VERSION, NETFILTER_PACKAGES } from "./pins.ts";

/** The programs of a cluster. */
export const PROGRAMS = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kubectl",
  "helm",
  "nft",
  "iptables",
  "iptables-restore",
  "ip6tables",
  "ip6tables-restore",
] as const;
export type KubeProgram = (typeof PROGRAMS)[number];

/** Programs that come together. */
export type GroupName = "etcd" | "control-plane" | "kubectl" | "netfilter";

export const GROUPS: Readonly<Record<GroupName, readonly KubeProgram[]>> = {
  etcd: ["etcd"],
  "control-plane": ["kube-apiserver", "kube-controller-manager", "kube-scheduler"],
  kubectl: ["kubectl", "helm"],
  netfilter: ["nft", "iptables", "iptables-restore", "ip6tables", "ip6tables-restore"],
};

/** Where the control plane's Go module lies in the working copy. */
export const GO_MODULE = "tools/kube";
const GO_FILES = ["go.mod", "go.sum", "main.go"];

/** `go build` with these; they are part of the key. */
export const LINKER_FLAGS: string = [
  "-s -w",
  ...["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].flatMap((each) => {
    const [major, minor] = KUBERNETES_VERSION.slice(1).split(".");
    return [
      `-X ${each}.gitVersion=${KUBERNETES_VERSION}`,
      `-X ${each}.gitMajor=${major} -X ${each}.gitMinor=${minor} -X ${each}.gitTreeState=clean`,
    ];
  }),
].join(" ");

/**
 * The folder of a group in the cache; its name changes with what it is made of, so that a newer working copy makes its own.
 * @param root the working copy
 */
export function groupFolder(group: GroupName, root: string): string {
  const hash = createHash("sha256").update(arch());
  if (group === "control-plane") {
    hash.update(LINKER_FLAGS);
    for (const file of GO_FILES) hash.update(readFileSync(join(root, GO_MODULE, file)));
  } else if (group === "kubectl") hash.update(KUBECTL_PACKAGE.sha512);
  else hash.update((group === "etcd" ? ETCD_PACKAGES : NETFILTER_PACKAGES).join());
  return `${group}-${hash.digest("hex").slice(0, 12)}`;
}
