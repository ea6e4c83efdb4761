import { mkdir, readFile, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import { writeFileAtomic } from "@xebec/platform-files";
import type { ContainerSpec, PodSpec, PodVolume } from "./manifest-objects.ts";
import { fieldValue, type PodFacts } from "./pod-environment.ts";
import { type IssueToken, writeTokens } from "./pod-tokens.ts";
import { innerPath, safeName } from "./safe-path.ts";

/**
 * Writes a pod's volumes below its directory and links them to where each container mounts them. A container's file system is
 * its directory: what it reads as `./etc/…` lies there.
 * @param podDir the pod's own directory; containers have `<podDir>/<container>`
 */
export async function materializeVolumes(
  podDir: string,
  spec: PodSpec,
  facts: PodFacts,
  issueToken: IssueToken,
): Promise<void> {
  for (const volume of spec.volumes ?? []) {
    const at = join(podDir, "volumes", safeName(volume.name));
    await mkdir(at, { recursive: true, mode: 0o700 });
    await fill(at, volume, facts, issueToken);
  }
  for (const container of spec.containers) {
    const root = containerRoot(podDir, container);
    await mkdir(root, { recursive: true, mode: 0o700 });
    for (const mount of container.volumeMounts ?? []) {
      const target = join(root, mount.mountPath);
      if (!target.startsWith(`${root}/`))
        throw new XebecError("invalid_argument", `mountPath ${mount.mountPath} leads out of the container`);
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      await rm(target, { recursive: true, force: true });
      await symlink(
        join(podDir, "volumes", safeName(mount.name), mount.subPath ? innerPath(mount.subPath) : ""),
        target,
      );
    }
  }
}

/** The directory that a container sees as its root and starts in. */
export function containerRoot(podDir: string, container: Pick<ContainerSpec, "name">): string {
  return join(podDir, safeName(container.name));
}

/**
 * Writes what kubelet keeps fresh: tokens long before they end, and files of ConfigMaps and Secrets that have changed, for example
 * the trusted roots. What does not exist any more stays as it is.
 * @param all true: all tokens, for example because the clock was set
 */
export async function refreshVolumes(
  podDir: string,
  spec: PodSpec,
  facts: PodFacts,
  issueToken: IssueToken,
  all: boolean,
): Promise<void> {
  for (const volume of spec.volumes ?? []) {
    const at = join(podDir, "volumes", safeName(volume.name));
    await writeTokens(at, volume, facts, issueToken, all);
    await dataFiles(at, volume, facts, true);
  }
}

async function dataFiles(at: string, volume: PodVolume, facts: PodFacts, refresh: boolean): Promise<void> {
  const write = async (kind: "ConfigMap" | "Secret", name: string, source: DataSource): Promise<void> => {
    if (!refresh || facts.data(kind, name)) await files(at, facts, kind, name, source);
  };
  if (volume.configMap) await write("ConfigMap", volume.configMap.name, volume.configMap);
  if (volume.secret) await write("Secret", volume.secret.secretName, volume.secret);
  for (const { configMap } of volume.projected?.sources ?? [])
    if (configMap) await write("ConfigMap", configMap.name, configMap);
}

async function fill(at: string, volume: PodVolume, facts: PodFacts, issueToken: IssueToken): Promise<void> {
  await fields(at, volume.downwardAPI?.items, facts);
  await writeTokens(at, volume, facts, issueToken, true);
  await dataFiles(at, volume, facts, false);
  for (const source of volume.projected?.sources ?? []) await fields(at, source.downwardAPI?.items, facts);
}

interface DataSource {
  readonly optional?: boolean;
  readonly items?: readonly { readonly key: string; readonly path: string }[];
}

async function files(
  at: string,
  facts: PodFacts,
  kind: "ConfigMap" | "Secret",
  name: string,
  source: DataSource,
): Promise<void> {
  const found = facts.data(kind, name);
  if (!found) {
    if (source.optional) return;
    throw new XebecError("not_found", `${kind} ${facts.namespace}/${name} does not exist`);
  }
  const items = source.items ?? Object.keys(found.data).map((key) => ({ key, path: key }));
  for (const { key, path } of items) await writeChanged(join(at, safeName(path)), found.data[key] ?? "");
}

async function writeChanged(path: string, text: string): Promise<void> {
  const before = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (before !== text) await writeFileAtomic(path, text, { mode: 0o600 });
}

async function fields(
  at: string,
  items: readonly { readonly path: string; readonly fieldRef?: { readonly fieldPath: string } }[] | undefined,
  facts: PodFacts,
): Promise<void> {
  for (const { path, fieldRef } of items ?? [])
    if (fieldRef) await writeFileAtomic(join(at, safeName(path)), `${fieldValue(fieldRef.fieldPath, facts)}\n`);
}
