import { execFile } from "node:child_process";
import { existsSync, mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { XebecError } from "@xebec/core-errors";
import { writeYaml } from "@xebec/core-yaml";
import { findKubeProgram } from "@xebec/platform-cluster/assets";
import { ROOT } from "../paths.ts";
import type { Release } from "./operator.ts";

const MAX_OUTPUT = 64 << 20;

/** Where the cluster is, as kubectl and Helm take it. */
export interface ClusterFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
}

function program(name: "helm" | "kubectl"): string {
  const found = findKubeProgram(name, { root: ROOT, env: process.env });
  if (found) return found;
  const what = name === "helm" ? "Helm renders the charts and keeps the releases" : "kubectl is asked for what runs";
  throw new XebecError(
    "failed_precondition",
    `${name} is not on PATH: ${what}. Install ${name === "helm" ? "Helm 3.14 or newer (https://helm.sh)" : "kubectl"}, or run "npm run kube-assets" in a working copy`,
  );
}

async function run(name: "helm" | "kubectl", args: readonly string[], input?: string): Promise<string> {
  const call = promisify(execFile)(program(name), args, { maxBuffer: MAX_OUTPUT });
  call.child.stdin?.on("error", () => {});
  call.child.stdin?.end(input);
  try {
    return (await call).stdout;
  } catch (error) {
    const { stderr = "", message } = error as { stderr?: string; message: string };
    const said = stderr.trim().replace(/^Error: /, "");
    throw new XebecError("failed_precondition", `${name} ${args[0]}: ${said || message}`, { cause: error });
  }
}

/** Runs Helm with the values of a release. @throws XebecError failed_precondition with what Helm said */
export async function helmRelease(
  args: readonly string[],
  release: Release,
  namespace: string,
  { kubeconfig, context }: ClusterFlags = {},
): Promise<string> {
  const chart = join(ROOT, "deploy/helm", release.chart);
  if (!existsSync(join(chart, "values.schema.json")))
    throw new XebecError("failed_precondition", 'the charts are not complete; run "npm run charts" first');
  using folder = mkdtempDisposableSync(join(tmpdir(), "xebec-install-"));
  const values = join(folder.path, "values.yaml");
  writeFileSync(values, writeYaml(release.values), { mode: 0o600 });
  return await run("helm", [
    ...args,
    ...[release.name, chart, "--namespace", namespace, "--values", values],
    ...clusterArgs(kubeconfig, context, "--kube-context"),
  ]);
}

/** Runs Helm. */
export function helm(args: readonly string[], { kubeconfig, context }: ClusterFlags = {}): Promise<string> {
  return run("helm", [...args, ...clusterArgs(kubeconfig, context, "--kube-context")]);
}

/** Runs kubectl. */
export function kubectl(args: readonly string[], flags: ClusterFlags = {}, input?: string): Promise<string> {
  return run("kubectl", [...clusterArgs(flags.kubeconfig, flags.context, "--context"), ...args], input);
}

function clusterArgs(kubeconfig: string | undefined, context: string | undefined, flag: string): string[] {
  return [...(kubeconfig ? ["--kubeconfig", kubeconfig] : []), ...(context ? [flag, context] : [])];
}
