import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { findKubeProgram } from "@xebec/platform-cluster/assets";
import { kubeMissing } from "@xebec/testing-kube";

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
