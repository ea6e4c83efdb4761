import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { waitFor } from "@xebec/core-async";
import { allCrds } from "@xebec/model-resources";
import { findKubeProgram } from "@xebec/platform-cluster/assets";
import { kubeMissing, type RunKubectl } from "@xebec/testing-kube";

export const ROOT = resolve(import.meta.dirname, "../..");
/** The charts, as they are installed. */
export const chart = (name: string): string => resolve(ROOT, "deploy/helm", name);

/** Says what a test with Helm on an API server would need and this machine does not have. */
export function helmMissing(): string | undefined {
  return kubeMissing(["etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "helm"]);
}

/** Runs Helm. @returns its standard output @throws Error with what it said */
export async function helm(args: readonly string[], kube?: { readonly kubeconfig: string }): Promise<string> {
  const program = findKubeProgram("helm", { root: ROOT, env: process.env }) ?? "helm";
  const env = { ...process.env, ...(kube ? { KUBECONFIG: kube.kubeconfig } : {}) };
  return (await promisify(execFile)(program, args, { maxBuffer: 64 << 20, env })).stdout;
}

/** Installs the definitions, or keeps those that are there. @returns when the API server serves all of their kinds */
export async function installCrds(kube: { readonly kubeconfig: string; readonly kubectl: RunKubectl }): Promise<void> {
  await helm(
    ["upgrade", "--install", "xebec-crds", chart("crds"), "--wait", "-n", "istio-system", "--create-namespace"],
    kube,
  );
  // A definition is established shortly before discovery names its kind, and Helm refuses objects of kinds that it does not name.
  const names = allCrds().map(({ metadata }) => metadata.name);
  await waitFor("the kinds of the definitions", 30_000, async () => {
    const served = new Set((await kube.kubectl(["api-resources", "-o", "name"])).split("\n"));
    return names.every((each) => served.has(each));
  });
}
