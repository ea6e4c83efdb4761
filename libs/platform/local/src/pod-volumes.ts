import { mkdir, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import { writeFileAtomic } from "@xebec/platform-files";
import type { ContainerSpec, PodSpec, VolumeSource } from "./manifest-objects.ts";
import { fieldValue, type PodFacts } from "./pod-environment.ts";

/** Makes the token of a service account for an audience. */
export type MintToken = (namespace: string, serviceAccount: string, audience: string) => Promise<string>;

/**
 * Writes a pod's volumes below its directory and links them to where each container mounts them. A container's file system is
 * its directory: what it reads as `./etc/…` lies there.
 * @param podDir the pod's own directory; containers have `<podDir>/<container>`
 */
export async function materializeVolumes(
  podDir: string,
  spec: PodSpec,
  facts: PodFacts,
  mint: MintToken,
): Promise<void> {
  for (const volume of spec.volumes ?? []) {
    const at = join(podDir, "volumes", safeName(volume.name));
    await mkdir(at, { recursive: true, mode: 0o700 });
    await fill(at, volume, facts, mint);
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
      await symlink(join(podDir, "volumes", safeName(mount.name), mount.subPath ?? ""), target);
    }
  }
}

/** The directory that a container sees as its root and starts in. */
export function containerRoot(podDir: string, container: Pick<ContainerSpec, "name">): string {
  return join(podDir, safeName(container.name));
}

/** Writes a pod's tokens anew, as kubelet does long before they end. */
export async function refreshTokens(podDir: string, spec: PodSpec, facts: PodFacts, mint: MintToken): Promise<void> {
  for (const volume of spec.volumes ?? [])
    await tokens(join(podDir, "volumes", safeName(volume.name)), volume, facts, mint);
}

async function tokens(at: string, volume: VolumeSource, facts: PodFacts, mint: MintToken): Promise<void> {
  for (const { serviceAccountToken: token } of volume.projected?.sources ?? [])
    if (token)
      await writeFileAtomic(
        join(at, token.path),
        await mint(facts.namespace, facts.serviceAccount, token.audience ?? "istio-ca"),
        { mode: 0o600 },
      );
}

async function fill(at: string, volume: VolumeSource, facts: PodFacts, mint: MintToken): Promise<void> {
  if (volume.configMap) await files(at, facts, "ConfigMap", volume.configMap.name, volume.configMap);
  if (volume.secret) await files(at, facts, "Secret", volume.secret.secretName, volume.secret);
  await fields(at, volume.downwardAPI?.items, facts);
  await tokens(at, volume, facts, mint);
  for (const source of volume.projected?.sources ?? []) {
    if (source.configMap) await files(at, facts, "ConfigMap", source.configMap.name, source.configMap);
    await fields(at, source.downwardAPI?.items, facts);
  }
}

async function files(
  at: string,
  facts: PodFacts,
  kind: "ConfigMap" | "Secret",
  name: string,
  source: { readonly optional?: boolean; readonly items?: readonly { readonly key: string; readonly path: string }[] },
): Promise<void> {
  const found = facts.data(kind, name);
  if (!found) {
    if (source.optional) return;
    throw new XebecError("not_found", `${kind} ${facts.namespace}/${name} does not exist`);
  }
  const items = source.items ?? Object.keys(found.data).map((key) => ({ key, path: key }));
  for (const { key, path } of items)
    await writeFileAtomic(join(at, safeName(path)), found.data[key] ?? "", { mode: 0o600 });
}

async function fields(
  at: string,
  items: readonly { readonly path: string; readonly fieldRef?: { readonly fieldPath: string } }[] | undefined,
  facts: PodFacts,
): Promise<void> {
  for (const { path, fieldRef } of items ?? [])
    if (fieldRef) await writeFileAtomic(join(at, safeName(path)), `${fieldValue(fieldRef.fieldPath, facts)}\n`);
}

function safeName(name: string): string {
  if (name === "" || name.startsWith(".") || /[/\0]/.test(name))
    throw new XebecError("invalid_argument", `"${name}" is no file name`);
  return name;
}
