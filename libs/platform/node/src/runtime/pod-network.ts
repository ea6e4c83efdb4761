import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { run } from "./run.ts";

/** The next hop of every pod: it exists on no interface, only as a neighbour. */
const GATEWAY = "169.254.1.1";
/** The node's end of each pod's link; every link is a network of its own. */
const GATEWAY_MAC = "ee:ee:ee:ee:ee:ee";

/** The name of a pod's network namespace, as `ip netns` knows it. @param cluster names the cluster on this machine */
export function podNamespace(cluster: string, podUid: string): string {
  return `${cluster}-${shortName(podUid)}`;
}

/** The path by which a process enters a network namespace. */
export function namespacePath(name: string): string {
  return `/run/netns/${name}`;
}

/**
 * Makes a pod's network: a namespace with one address that is routed through the node's namespace, in which this process runs.
 * What was left of an earlier one is removed first.
 * @throws XebecError when `ip` fails
 */
export async function createPodNetwork(cluster: string, podUid: string, ip: string): Promise<void> {
  const namespace = podNamespace(cluster, podUid);
  const link = linkName(podUid);
  await removePodNetwork(cluster, podUid);
  await run(
    "ip",
    ["-batch", "-"],
    [
      `netns add ${namespace}`,
      `link add ${link} type veth peer name eth0 netns ${namespace}`,
      `link set ${link} address ${GATEWAY_MAC} up`,
      `route add ${ip}/32 dev ${link}`,
      "",
    ].join("\n"),
  );
  await run(
    "ip",
    ["-n", namespace, "-batch", "-"],
    [
      "link set lo up",
      `addr add ${ip}/32 dev eth0`,
      "link set eth0 up",
      `route add ${GATEWAY} dev eth0 scope link`,
      `neigh add ${GATEWAY} lladdr ${GATEWAY_MAC} dev eth0 nud permanent`,
      `route add default via ${GATEWAY} src ${ip}`,
      "",
    ].join("\n"),
  );
}

/** Removes a pod's network; one that is not there is not an error. */
export async function removePodNetwork(cluster: string, podUid: string): Promise<void> {
  // The link goes with either end; a namespace that a process still holds would keep it.
  await run("ip", ["link", "del", linkName(podUid)]).catch(() => {});
  await run("ip", ["netns", "del", podNamespace(cluster, podUid)]).catch(() => {});
}

/** Removes the networks of all pods of a cluster: an earlier agent has left them, and their containers have ended with it. */
export async function removePodNetworks(cluster: string): Promise<void> {
  for (const each of readdirSync("/run/netns"))
    if (each.startsWith(`${cluster}-`)) await run("ip", ["netns", "del", each]).catch(() => {});
}

function linkName(podUid: string): string {
  return `xp${shortName(podUid)}`;
}

function shortName(podUid: string): string {
  return createHash("sha256").update(podUid).digest("hex").slice(0, 10);
}
