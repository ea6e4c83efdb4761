import { readManifest } from "@xebec/core-yaml";
import { type ClusterFlags, kubectl } from "../install/helm.ts";
import { SYSTEM_NAMESPACE } from "../install/operator.ts";
import { print } from "../output.ts";
import { manifestOf, releasesOf, type SystemFlags } from "./install.ts";

interface KubeObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

interface Status {
  readonly replicas?: number;
  readonly readyReplicas?: number;
  readonly observedGeneration?: number;
  readonly updatedReplicas?: number;
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
}

/** `xebec verify-install`: whether everything that was installed is there, and ready. @returns 1 when something is not */
export async function verifyInstall(flags: ClusterFlags & SystemFlags): Promise<number> {
  const namespace = flags.istioNamespace ?? SYSTEM_NAMESPACE;
  const releases = (await releasesOf(namespace, flags)).filter((name) => /^(xebec|istio-)/.test(name));
  if (!releases.includes("xebec") && !releases.includes("xebec-crds")) {
    print(`✘ nothing is installed in ${namespace}; "xebec install" does it`);
    return 1;
  }
  let wrong = 0;
  for (const release of releases) {
    const objects = readManifest(await manifestOf(release, namespace, flags)).objects.map(
      ({ value }) => value as unknown as KubeObject,
    );
    const problems = await problemsOf(objects, flags);
    wrong += problems.length;
    if (problems.length === 0) print(`✔ ${release}: ${objects.length} objects are there, and ready`);
    for (const each of problems) print(`✘ ${release}: ${each}`);
  }
  print(wrong === 0 ? "✔ everything is installed and ready" : `${wrong} problems`);
  return wrong === 0 ? 0 : 1;
}

async function problemsOf(objects: readonly KubeObject[], flags: ClusterFlags): Promise<string[]> {
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
  const args = ["get", "--ignore-not-found", "--output", "json", "--filename", "-"];
  const text = await kubectl(args, flags, list);
  const found = text.trim() === "" ? { items: [] } : (JSON.parse(text) as { items?: unknown[] });
  const items = (found.items ?? [found]) as (KubeObject & { spec?: { replicas?: number }; status?: Status })[];
  const byName = new Map(items.map((each) => [nameOf(each), each]));
  return objects.flatMap((object) => {
    const live = byName.get(nameOf(object));
    if (!live) return [`${nameOf(object)} is missing`];
    const problem = problemOf(live.kind, live.spec?.replicas, live.status ?? {});
    return problem ? [`${nameOf(object)} ${problem}`] : [];
  });
}

function problemOf(kind: string, replicas = 1, status: Status): string | undefined {
  if (kind === "Deployment" || kind === "StatefulSet") {
    const ready = status.readyReplicas ?? 0;
    if (ready < replicas) return `has ${ready} of ${replicas} pods ready`;
    if ((status.updatedReplicas ?? replicas) < replicas) return "is being rolled out";
  }
  if (kind === "CustomResourceDefinition") {
    const established = status.conditions?.find(({ type }) => type === "Established");
    if (established?.status !== "True")
      return `is not established${established?.message ? `: ${established.message}` : ""}`;
  }
  return undefined;
}

function nameOf({ kind, metadata }: KubeObject): string {
  return `${kind} ${metadata.name}`;
}
