import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import { findProgram } from "@xebec/platform-process";
import type { Machine } from "./results.ts";

export function machine(): Machine {
  return {
    cores: cpus().length,
    processor: cpus()[0]?.model ?? "unknown",
    memoryMib: Math.round(totalmem() / 2 ** 20),
    kernel: release(),
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

/** @param options.root the folder of the sources @param options.build that of the build by which components are replaced */
export function versions(options: {
  readonly root: string;
  readonly build?: string | undefined;
  readonly istiod?: string | undefined;
}): Record<string, string> {
  const { root, build, istiod } = options;
  return {
    xebec: packageVersion(root),
    "replaced by": build === undefined ? "another bundle of the same sources" : `${packageVersion(build)} (${build})`,
    node: process.versions.node,
    envoy: versionOf(findProgram("envoy", { root, env: process.env })),
    ...(istiod === undefined ? {} : { istiod: istiodVersion(istiod) }),
    nats: versionOf(findProgram("nats-server", { root, env: process.env })),
  };
}

function versionOf(program: string): string {
  const { stdout = "" } = spawnSync(program, ["--version"], { encoding: "utf8", timeout: 10_000 });
  return /\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? "unknown";
}

function packageVersion(folder: string): string {
  try {
    return (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string }).version;
  } catch {
    return "unknown"; // a build may be bundles alone
  }
}

function istiodVersion(program: string): string {
  const { stdout = "" } = spawnSync(program, ["version", "--short"], { encoding: "utf8", timeout: 10_000 });
  return stdout.trim().split("\n")[0] || "unknown";
}
