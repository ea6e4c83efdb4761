import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { chmod, chown, mkdir, readFile, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { XebecError } from "@xebec/core-errors";
import type { Container, DataObject, FieldItem, KeyItem, Pod, Volume, VolumeMount } from "../api/types.ts";
import type { Mount } from "../runtime/container.ts";
import type { NodeContext } from "./context.ts";
import { expand } from "./expand.ts";
import { fieldValue, type PodFacts, resourceValue } from "./fields.ts";

/** A file of a volume. */
interface VolumeFile {
  readonly content: Buffer;
  readonly mode: number;
}
type VolumeFiles = Map<string, VolumeFile>;

const DEFAULT_MODE = 0o644;
/** Kubelet's: a token is renewed when a fifth of its life is left, at the latest after a day. */
const RENEW_AT = 0.8;
const DAY_MS = 86_400_000;

interface Token {
  readonly token: string;
  readonly renewAt: number;
}

/** The volumes of one pod, on the host's disk. */
export class PodVolumes {
  readonly #context: NodeContext;
  readonly #directory: string;
  readonly #tokens = new Map<string, Token>();

  constructor(context: NodeContext, directory: string) {
    this.#context = context;
    this.#directory = join(directory, "volumes");
  }

  /**
   * Writes all volumes.
   * @throws XebecError with the reason of FailedMount when something that they need is not there
   */
  async prepare(facts: PodFacts): Promise<void> {
    for (const volume of facts.pod.spec.volumes ?? []) {
      const path = this.#path(volume);
      if (volume.emptyDir) {
        await mkdir(path, { recursive: true });
        await chmod(path, 0o777);
        await this.#own(path, facts.pod);
      } else if (volume.hostPath) await hostPath(volume);
      else if (volume.persistentVolumeClaim) await this.#claimed(volume, facts.pod);
      else await this.#write(volume, facts);
    }
  }

  /** Writes again what has changed: data of ConfigMaps and Secrets, labels, tokens. What does not exist any more stays. */
  async refresh(facts: PodFacts): Promise<void> {
    for (const volume of facts.pod.spec.volumes ?? [])
      if (volume.configMap || volume.secret || volume.projected || volume.downwardAPI)
        await this.#write(volume, facts).catch((error: unknown) => {
          if (!(error instanceof XebecError)) throw error;
        });
  }

  /** What a container mounts, and where. @throws XebecError for a mount of a volume that there is none of */
  mounts(container: Container, pod: Pod, env: Readonly<Record<string, string>>): Mount[] {
    return (container.volumeMounts ?? []).map((mount) => {
      const volume = pod.spec.volumes?.find((each) => each.name === mount.name);
      if (!volume) throw new XebecError("invalid_argument", `volume ${mount.name} does not exist`);
      return {
        source: this.#source(volume, mount, pod, env),
        target: normalize(join("/", mount.mountPath)),
        readOnly: mount.readOnly === true || isWritten(volume),
      };
    });
  }

  #source(volume: Volume, mount: VolumeMount, pod: Pod, env: Readonly<Record<string, string>>): string {
    const base =
      volume.hostPath?.path ?? (volume.persistentVolumeClaim && this.#claimPath(volume, pod)) ?? this.#path(volume);
    const sub = mount.subPathExpr === undefined ? mount.subPath : expand(mount.subPathExpr, env);
    if (!sub) return base;
    const path = join(base, normalize(join("/", sub)));
    if (!existsSync(path)) mkdirSync(path, { recursive: true, mode: 0o777 });
    return path;
  }

  #path(volume: Volume): string {
    return join(this.#directory, volume.name);
  }

  #claimPath({ persistentVolumeClaim }: Volume, pod: Pod): string {
    const name = persistentVolumeClaim?.claimName ?? "";
    const claim = this.#context.claim(pod.metadata.namespace ?? "", name);
    const volume = claim?.spec.volumeName ? this.#context.volume(claim.spec.volumeName) : undefined;
    const path = volume?.spec.hostPath?.path ?? volume?.spec.local?.path;
    if (path === undefined || claim?.status?.phase !== "Bound")
      throw new XebecError("failed_precondition", `the claim ${name} is not bound to a volume of this node`);
    return path;
  }

  async #claimed(volume: Volume, pod: Pod): Promise<void> {
    const path = this.#claimPath(volume, pod);
    await mkdir(path, { recursive: true });
    await chmod(path, 0o777);
    await this.#own(path, pod);
  }

  async #own(path: string, pod: Pod): Promise<void> {
    const group = pod.spec.securityContext?.fsGroup;
    if (group === undefined) return;
    await chown(path, 0, group);
    await chmod(path, 0o2777);
  }

  async #write(volume: Volume, facts: PodFacts): Promise<void> {
    const files = await this.#files(volume, facts);
    const group = facts.pod.spec.securityContext?.fsGroup;
    await publish(this.#path(volume), files, group);
  }

  async #files(volume: Volume, facts: PodFacts): Promise<VolumeFiles> {
    const files: VolumeFiles = new Map();
    const { configMap, secret, downwardAPI, projected } = volume;
    const namespace = facts.pod.metadata.namespace ?? "";
    const data = (
      kind: "ConfigMap" | "Secret",
      name: string,
      source: { readonly optional?: boolean; readonly items?: readonly KeyItem[] },
      mode: number,
    ): void => {
      const found =
        kind === "ConfigMap" ? this.#context.configMap(namespace, name) : this.#context.secret(namespace, name);
      if (found) addData(files, kind, found, source.items, mode, source.optional === true);
      else if (!source.optional)
        throw new XebecError(
          "failed_precondition",
          `MountVolume.SetUp failed for volume "${volume.name}": ${kind.toLowerCase()} "${name}" not found`,
        );
    };
    if (configMap) data("ConfigMap", configMap.name ?? "", configMap, configMap.defaultMode ?? DEFAULT_MODE);
    if (secret) data("Secret", secret.secretName ?? "", secret, secret.defaultMode ?? DEFAULT_MODE);
    if (downwardAPI) addFields(files, downwardAPI.items, downwardAPI.defaultMode ?? DEFAULT_MODE, facts);
    const mode = projected?.defaultMode ?? DEFAULT_MODE;
    for (const source of projected?.sources ?? []) {
      if (source.configMap) data("ConfigMap", source.configMap.name ?? "", source.configMap, mode);
      if (source.secret) data("Secret", source.secret.name ?? "", source.secret, mode);
      if (source.downwardAPI) addFields(files, source.downwardAPI.items, mode, facts);
      if (source.serviceAccountToken) {
        const { path, audience, expirationSeconds = 3_600 } = source.serviceAccountToken;
        const token = await this.#token(facts.pod, audience, expirationSeconds);
        files.set(safePath(path), { content: Buffer.from(token), mode });
      }
    }
    if (!(configMap || secret || downwardAPI || projected))
      throw new XebecError("unimplemented", `volume ${volume.name} is of a kind that this node does not have`);
    return files;
  }

  async #token(pod: Pod, audience: string | undefined, expirationSeconds: number): Promise<string> {
    const key = `${audience ?? ""} ${expirationSeconds}`;
    const known = this.#tokens.get(key);
    if (known && known.renewAt > Date.now()) return known.token;
    const account = pod.spec.serviceAccountName ?? "default";
    const { name, namespace, uid } = pod.metadata;
    const asked = await this.#context.api.call<{ status: { token: string; expirationTimestamp: string } }>(
      "POST",
      `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
      {
        body: {
          apiVersion: "authentication.k8s.io/v1",
          kind: "TokenRequest",
          spec: {
            audiences: audience ? [audience] : [],
            expirationSeconds,
            boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid },
          },
        },
      },
    );
    const { token, expirationTimestamp } = asked.status;
    const life = Math.min((Date.parse(expirationTimestamp) - Date.now()) * RENEW_AT, DAY_MS);
    this.#tokens.set(key, { token, renewAt: Date.now() + life });
    return token;
  }
}

/** Kubelet writes these; containers only read them. */
function isWritten({ configMap, secret, projected, downwardAPI }: Volume): boolean {
  return [configMap, secret, projected, downwardAPI].some((each) => each !== undefined);
}

async function hostPath({ name, hostPath: source }: Volume): Promise<void> {
  const { path = "", type = "" } = source ?? {};
  if (type === "DirectoryOrCreate") await mkdir(path, { recursive: true });
  if (type === "FileOrCreate" && !existsSync(path)) await writeFile(path, "");
  if (!existsSync(path))
    throw new XebecError(
      "failed_precondition",
      `MountVolume.SetUp failed for volume "${name}": ${path} does not exist`,
    );
}

/** @throws XebecError invalid_argument for a path that leads out of the volume */
function safePath(path: string): string {
  const clean = normalize(path);
  if (clean.startsWith("/") || clean.split("/").includes(".."))
    throw new XebecError("invalid_argument", `path ${path} leads out of its volume`);
  return clean;
}

function addData(
  files: VolumeFiles,
  kind: "ConfigMap" | "Secret",
  { data = {}, binaryData = {}, metadata }: DataObject,
  items: readonly KeyItem[] | undefined,
  mode: number,
  optional: boolean,
): void {
  const bytes = (key: string): Buffer | undefined => {
    const text = data[key];
    if (text !== undefined) return Buffer.from(text, kind === "Secret" ? "base64" : "utf8");
    return binaryData[key] === undefined ? undefined : Buffer.from(binaryData[key], "base64");
  };
  for (const { key, path, mode: own } of items ??
    [...Object.keys(data), ...Object.keys(binaryData)].map((key): KeyItem => ({ key, path: key }))) {
    const content = bytes(key);
    if (content) files.set(safePath(path), { content, mode: own ?? mode });
    else if (!optional)
      throw new XebecError(
        "failed_precondition",
        `references non-existent ${kind.toLowerCase()} key: ${metadata.name}/${key}`,
      );
  }
}

function addFields(files: VolumeFiles, items: readonly FieldItem[] | undefined, mode: number, facts: PodFacts): void {
  for (const { path, fieldRef, resourceFieldRef, mode: own } of items ?? []) {
    const container = facts.pod.spec.containers.find((each) => each.name === resourceFieldRef?.containerName);
    const text = fieldRef
      ? fieldValue(fieldRef, facts)
      : resourceFieldRef && container
        ? resourceValue(resourceFieldRef, container, facts)
        : "";
    files.set(safePath(path), { content: Buffer.from(text), mode: own ?? mode });
  }
}

/**
 * Writes files so that readers see all old or all new ones, as kubelet does: they lie in a folder of their own, to which `..data`
 * points, and a rename of that link changes all at once.
 */
async function publish(folder: string, files: VolumeFiles, group: number | undefined): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const data = join(folder, "..data");
  const current = await readlink(data).catch(() => undefined);
  if (current !== undefined && (await isSame(join(folder, current), files))) return;
  const name = `..${new Date().toISOString().replaceAll(/[-:TZ]/g, "_")}${Math.random().toString(36).slice(2, 8)}`;
  const next = join(folder, name);
  await mkdir(next, { mode: 0o755 });
  for (const [path, { content, mode }] of files) {
    const target = join(next, path);
    await mkdir(dirname(target), { recursive: true, mode: 0o755 });
    await writeFile(target, content);
    await chmod(target, group === undefined ? mode : mode | 0o040);
    if (group !== undefined) await chown(target, 0, group);
  }
  await writeFile(join(next, "..files"), JSON.stringify([...files.keys()]));
  await symlink(name, `${data}.new`).catch(async () => {
    await rm(`${data}.new`, { force: true });
    await symlink(name, `${data}.new`);
  });
  await rename(`${data}.new`, data);
  for (const top of new Set([...files.keys()].map((path) => path.split("/")[0] as string)))
    if (!existsSync(join(folder, top))) {
      await rm(join(folder, top), { force: true });
      symlinkSync(join("..data", top), join(folder, top));
    }
  if (current !== undefined) {
    const before = JSON.parse(await readFile(join(folder, current, "..files"), "utf8").catch(() => "[]")) as string[];
    const tops = new Set([...files.keys()].map((path) => path.split("/")[0]));
    for (const path of before) {
      const [top = ""] = path.split("/");
      if (!tops.has(top)) await rm(join(folder, top), { force: true });
    }
    await rm(join(folder, current), { recursive: true, force: true });
  }
}

async function isSame(folder: string, files: VolumeFiles): Promise<boolean> {
  const before = await readFile(join(folder, "..files"), "utf8").catch(() => "");
  if (before !== JSON.stringify([...files.keys()])) return false;
  for (const [path, { content }] of files) {
    const found = await readFile(join(folder, path)).catch(() => undefined);
    if (!found?.equals(content)) return false;
  }
  return true;
}

/** Writes a file that a container gets by itself, such as its resolv.conf. */
export function writeOwnFile(path: string, content: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content, { mode: 0o644 });
  return path;
}
