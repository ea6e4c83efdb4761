import { isXebecError } from "@xebec/core-errors";
import { type MeshStatus, MONITORING_PORT } from "@xebec/platform-local";
import { callSupervisor } from "../control.ts";
import { SYSTEM_NAMESPACE } from "../install/operator.ts";
import { type Format, listing, print } from "../output.ts";
import { packageVersion } from "../package-version.ts";
import { runDirectory } from "../paths.ts";

const TIMEOUT_MS = 1_000;

/** `xebec version`: this command's version, and those of the services that run. */
export async function version(options: { readonly output: Format; readonly istioNamespace?: string }): Promise<number> {
  const local = await serviceVersions();
  const cluster = local.length > 0 ? undefined : await clusterVersions(options.istioNamespace);
  const services = Object.fromEntries(local);
  const data = { client: packageVersion(), node: process.versions.node, services, ...cluster };
  print(
    listing(options.output, data, () =>
      [
        `client version: ${data.client}`,
        `node version: ${data.node}`,
        ...Object.entries(services).map(([name, text]) => `${name} version: ${text}`),
        ...(cluster ? clusterLines(cluster) : []),
        "",
      ].join("\n"),
    ),
  );
  return 0;
}

interface ClusterVersions {
  /** Of each component on Kubernetes. */
  readonly controlPlane: Readonly<Record<string, string>>;
  /** How many proxies have each version. */
  readonly dataPlane: Readonly<Record<string, number>>;
}

/** As istioctl prints them: one line for the control plane while its parts are of one version. */
function clusterLines({ controlPlane, dataPlane }: ClusterVersions): string[] {
  const versions = [...new Set(Object.values(controlPlane))];
  const proxies = Object.entries(dataPlane).map(([text, count]) => `${text} (${count} proxies)`);
  return [
    ...(versions.length === 1
      ? [`control plane version: ${versions[0]}`]
      : Object.entries(controlPlane).map(([name, text]) => `${name} version: ${text}`)),
    `data plane version: ${proxies.join(", ") || "none"}`,
  ];
}

/** @returns undefined when there is no cluster to ask, or nothing is installed there */
async function clusterVersions(namespace = SYSTEM_NAMESPACE): Promise<ClusterVersions | undefined> {
  const { kubectl } = await import("../install/helm.ts");
  const get = async (...args: string[]): Promise<readonly ClusterObject[]> =>
    (
      JSON.parse(await kubectl(["get", ...args, "--output", "json", "--request-timeout=3s"])) as {
        items: ClusterObject[];
      }
    ).items;
  try {
    const deployments = await get("deployments", "-n", namespace, "-l", "app.kubernetes.io/part-of=xebec");
    if (deployments.length === 0) return undefined;
    const versionOf = ({ metadata }: ClusterObject): string =>
      metadata.labels?.["app.kubernetes.io/version"] ?? "unknown";
    const dataPlane: Record<string, number> = {};
    for (const { spec } of await get("pods", "-A"))
      for (const { name, image } of [...spec.containers, ...(spec.initContainers ?? [])])
        if (name === "istio-proxy") {
          const tag = /:([^/]+)$/.exec(image)?.[1] ?? "latest";
          dataPlane[tag] = (dataPlane[tag] ?? 0) + 1;
        }
    return {
      controlPlane: Object.fromEntries(deployments.map((each) => [each.metadata.name, versionOf(each)])),
      dataPlane,
    };
  } catch (error) {
    if (isXebecError(error)) return undefined;
    throw error;
  }
}

interface ClusterObject {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly containers: readonly { readonly name: string; readonly image: string }[];
    readonly initContainers?: readonly { readonly name: string; readonly image: string }[];
  };
}

async function serviceVersions(): Promise<[string, string][]> {
  try {
    const { processes } = await callSupervisor<MeshStatus>(runDirectory(), "GET", "/status");
    const services = processes.filter((each) => each.kind === "service" && each.name !== "nats");
    return await Promise.all(
      services.map(async ({ name, addresses }): Promise<[string, string]> => {
        const answer = await fetch(`http://${addresses[0]}:${MONITORING_PORT}/version`, {
          signal: AbortSignal.timeout(TIMEOUT_MS),
        }).then(
          (response) => response.text(),
          () => "not reached",
        );
        return [name, answer.trim().split(" ").at(-1) ?? ""];
      }),
    );
  } catch (error) {
    if (isXebecError(error) && error.code === "unavailable") return [];
    throw error;
  }
}
