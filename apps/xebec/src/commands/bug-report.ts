import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { redactText } from "@xebec/core-log";
import { type ClusterFlags, helm, kubectl } from "../install/helm.ts";
import { SYSTEM_NAMESPACE } from "../install/operator.ts";
import { print } from "../output.ts";
import { packageVersion } from "../package-version.ts";
import type { SystemFlags } from "./install.ts";

/** Most lines of a log. */
const LINES = 2_000;

/**
 * `xebec bug-report`: what somebody needs who looks for a cause, in a folder: versions, releases, objects of the mesh, states and logs of
 * the control plane. Secrets are not read, and what looks like one is blotted out.
 */
export async function bugReport(flags: ClusterFlags & SystemFlags & { readonly dir: string }): Promise<number> {
  const namespace = flags.istioNamespace ?? SYSTEM_NAMESPACE;
  const missing: string[] = [];
  const write = async (path: string, read: () => Promise<string>): Promise<void> => {
    const file = join(flags.dir, path);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    try {
      writeFileSync(file, redactText(await read()), { mode: 0o600 });
    } catch (error) {
      missing.push(`${path}: ${(error as Error).message.split("\n")[0]}`);
    }
  };
  const get =
    (...args: string[]) =>
    () =>
      kubectl(["get", ...args], flags);
  await write("versions.txt", async () => `client ${packageVersion()}\n${await kubectl(["version"], flags)}`);
  await write("releases.txt", () => helm(["list", "--namespace", namespace], flags));
  await write("values.yaml", () => helm(["get", "values", "xebec", "--namespace", namespace], flags));
  await write("pods.txt", get("pods", "-A", "-o", "wide"));
  await write("events.txt", get("events", "-A", "--sort-by=.lastTimestamp"));
  await write("webhooks.yaml", get("mutatingwebhookconfigurations,validatingwebhookconfigurations", "-o", "yaml"));
  await write("istio-objects.yaml", get("istio-io", "-A", "-o", "yaml", "--ignore-not-found"));
  await write("services.yaml", get("services,endpointslices", "-A", "-o", "yaml"));
  await write("config-maps.yaml", get("configmaps", "-n", namespace, "-o", "yaml"));
  await write("control-plane.yaml", get("deployments,statefulsets,pods", "-n", namespace, "-o", "yaml"));
  const names = await kubectl(["get", "pods", "-n", namespace, "-o", "name"], flags).catch((error: Error) => {
    missing.push(`logs: ${error.message.split("\n")[0]}`);
    return "";
  });
  for (const pod of names.split("\n").filter(Boolean)) {
    const log =
      (...args: string[]) =>
      () =>
        kubectl(["logs", "-n", namespace, pod, "--all-containers", `--tail=${LINES}`, ...args], flags);
    await write(`logs/${pod.replace("pod/", "")}.log`, log());
  }
  if (missing.length > 0) writeFileSync(join(flags.dir, "missing.txt"), `${missing.join("\n")}\n`);
  print(
    `written to ${flags.dir}${missing.length > 0 ? `; ${missing.length} parts could not be read, see missing.txt` : ""}`,
  );
  print("look through it before you hand it to somebody");
  return 0;
}
