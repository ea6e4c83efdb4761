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

/** @param root the folder of the sources */
export function versions(root: string): Record<string, string> {
  const own = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  return {
    xebec: own.version,
    node: process.versions.node,
    envoy: versionOf(findProgram("envoy", { root, env: process.env })),
    nats: versionOf(findProgram("nats-server", { root, env: process.env })),
  };
}

function versionOf(program: string): string {
  const { stdout = "" } = spawnSync(program, ["--version"], { encoding: "utf8", timeout: 10_000 });
  return /\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? "unknown";
}
