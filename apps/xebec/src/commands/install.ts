import { readYaml } from "@xebec/core-yaml";
import { type ClusterFlags, helm, helmRelease, kubectl } from "../install/helm.ts";
import { manifestDiff, type ObjectChange } from "../install/manifest-diff.ts";
import { type Installation, installationOf, type Release, SYSTEM_NAMESPACE } from "../install/operator.ts";
import { readOperator } from "../install/read-operator.ts";
import { print } from "../output.ts";

/** Flags that say what is installed. */
export interface WhatFlags {
  readonly filename?: readonly string[];
  readonly set?: readonly string[];
  /** Of the control plane; before what an IstioOperator says. */
  readonly istioNamespace?: string;
}

/** Which control plane. */
export interface SystemFlags {
  readonly istioNamespace?: string;
}

export interface InstallFlags extends WhatFlags, ClusterFlags {
  readonly plan?: true;
  readonly wait: boolean;
  readonly readinessTimeout: string;
}

/** What flags ask for; what is left out of it is said on standard error. */
export function asked(flags: WhatFlags): Installation {
  const installation = installationOf({
    ...readOperator(flags),
    ...(flags.istioNamespace ? { namespace: flags.istioNamespace } : {}),
  });
  for (const each of installation.warnings) process.stderr.write(`warning: ${each}\n`);
  return installation;
}

/** `xebec install`, `xebec upgrade`: the definitions first, then everything else, each a release of Helm. @returns the exit code */
export async function install(flags: InstallFlags): Promise<number> {
  const installation = asked(flags);
  const installed = await releasesOf(installation.namespace, flags);
  const gone = installed.filter((name) => isOurs(name) && !installation.releases.some((each) => each.name === name));
  if (flags.plan) return plan(installation, installed, gone, flags);
  for (const release of installation.releases) {
    const args = ["upgrade", "--install", "--create-namespace", ...waitArgs(release, flags)];
    await helmRelease(args, release, installation.namespace, flags);
    print(`${installed.includes(release.name) ? "upgraded" : "installed"} ${release.name}`);
  }
  for (const name of gone) {
    await helm(["uninstall", name, "--namespace", installation.namespace], flags);
    print(`removed ${name}, which the profile ${installation.profile} does not have`);
  }
  const where = installation.namespace === SYSTEM_NAMESPACE ? "" : ` -i ${installation.namespace}`;
  print(`\nNext:\n  xebec verify-install${where}\n  kubectl label namespace default istio-injection=enabled`);
  return 0;
}

/** `xebec uninstall`: everything but the definitions and their objects; with purge these, too. */
export async function uninstall(
  flags: ClusterFlags & SystemFlags & { readonly plan?: true; readonly purge?: true },
): Promise<number> {
  const namespace = flags.istioNamespace ?? SYSTEM_NAMESPACE;
  const installed = (await releasesOf(namespace, flags)).filter(isOurs);
  const releases = installed.filter((name) => flags.purge || name !== "xebec-crds").sort(lastFirst);
  if (flags.plan) {
    for (const name of releases) print(`- release ${name}\n${indented(await objectNames(name, namespace, flags))}`);
    print(flags.purge ? "- the definitions, and all objects of their kinds" : "the definitions and their objects stay");
    return 0;
  }
  for (const name of releases) {
    await helm(["uninstall", name, "--namespace", namespace, "--wait"], flags);
    print(`removed ${name}`);
  }
  if (releases.length === 0) print("nothing is installed");
  if (flags.purge) print(await kubectl(["delete", "crd", "-l", "app.kubernetes.io/part-of=xebec"], flags));
  else print("the definitions and their objects stay; --purge removes them");
  return 0;
}

/** `xebec manifest generate`: the manifests, for kubectl or a repository. */
export async function generate(flags: WhatFlags): Promise<number> {
  print(await manifestsOf(asked(flags)));
  return 0;
}

/** `xebec manifest diff A B`. @returns 1 when they differ */
export async function manifestsDiff(before: string, after: string): Promise<number> {
  const { readFileSync } = await import("node:fs");
  const changes = manifestDiff(readFileSync(before, "utf8"), readFileSync(after, "utf8"));
  for (const { diff } of changes) print(diff);
  return changes.length === 0 ? 0 : 1;
}

async function manifestsOf({ releases, namespace }: Installation): Promise<string> {
  const texts: string[] = [];
  // Tests of a chart are no part of what is installed.
  for (const each of releases) texts.push(await helmRelease(["template", "--skip-tests"], each, namespace));
  return texts.join("---\n");
}

async function plan(
  { releases, namespace }: Installation,
  installed: readonly string[],
  gone: readonly string[],
  flags: InstallFlags,
): Promise<number> {
  let count = 0;
  for (const release of releases) {
    const before = installed.includes(release.name) ? await manifestOf(release.name, namespace, flags) : "";
    const after = await helmRelease(["template", "--skip-tests", "--is-upgrade"], release, namespace, flags);
    const changes = manifestDiff(before, after);
    print(`release ${release.name}: ${summary(changes)}`);
    for (const { name, change, diff } of changes)
      print(change === "changed" ? `~ ${name}\n${diff}` : `${change === "added" ? "+" : "-"} ${name}`);
    count += changes.length;
  }
  for (const name of gone) print(`release ${name}: is removed`);
  print(count + gone.length === 0 ? "nothing would change" : "nothing was changed; without --plan it is");
  return 0;
}

function summary(changes: readonly ObjectChange[]): string {
  const count = (kind: ObjectChange["change"]): number => changes.filter(({ change }) => change === kind).length;
  return changes.length === 0
    ? "no change"
    : `${count("added")} objects are added, ${count("changed")} changed, ${count("removed")} removed`;
}

function waitArgs({ chart }: Release, { wait, readinessTimeout }: InstallFlags): string[] {
  return wait || chart === "crds" ? ["--wait", "--timeout", readinessTimeout] : [];
}

/** The names of Helm's releases in the namespace. */
export async function releasesOf(namespace: string, flags: ClusterFlags): Promise<string[]> {
  const list = readYaml(await helm(["list", "--namespace", namespace, "--output", "json"], flags));
  return (list as { name: string }[]).map(({ name }) => name);
}

/** The manifest of a release. */
export function manifestOf(release: string, namespace: string, flags: ClusterFlags): Promise<string> {
  return helm(["get", "manifest", release, "--namespace", namespace], flags);
}

async function objectNames(release: string, namespace: string, flags: ClusterFlags): Promise<string[]> {
  return manifestDiff("", await manifestOf(release, namespace, flags)).map(({ name }) => name);
}

const isOurs = (name: string): boolean => /^(xebec|xebec-crds|xebec-addons|istio-(in|e)gressgateway)$/.test(name);
const ORDER = ["xebec-addons", "istio-egressgateway", "istio-ingressgateway", "xebec", "xebec-crds"];
const lastFirst = (a: string, b: string): number => ORDER.indexOf(a) - ORDER.indexOf(b);
const indented = (names: readonly string[]): string => names.map((each) => `  - ${each}`).join("\n");
