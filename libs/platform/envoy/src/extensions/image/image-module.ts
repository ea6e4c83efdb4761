import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { XebecError } from "@xebec/core-errors";
import { MAX_MODULE_BYTES } from "../module-store.ts";
import { DIGEST, type ImageReference } from "./reference.ts";
import { type RegistryOptions, RegistryReader } from "./registry.ts";
import { fileInTar } from "./tar.ts";

const unpack = promisify(gunzip);
const MAX_MANIFEST_BYTES = 4 << 20;
const FILE = "plugin.wasm";
/** A module as it is, alone in a layer. */
const MODULE_LAYERS: readonly string[] = ["application/vnd.module.wasm.content.layer.v1+wasm", "application/wasm"];
/** Archives with a file of this name. */
const ARCHIVE_LAYERS: readonly string[] = [
  "application/vnd.docker.image.rootfs.diff.tar.gzip",
  "application/vnd.oci.image.layer.v1.tar+gzip",
];
const INDEXES: readonly string[] = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];
const MANIFESTS = [
  ...["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"],
  ...INDEXES,
].join(", ");

interface Descriptor {
  readonly mediaType?: string;
  readonly digest?: string;
  readonly size?: number;
  readonly platform?: { readonly os?: string; readonly architecture?: string };
}

interface Manifest {
  readonly mediaType?: string;
  readonly layers?: readonly Descriptor[];
  readonly manifests?: readonly Descriptor[];
}

export interface ImageModule {
  readonly bytes: Buffer;
  /** The SHA-256 of the image's manifest: what a digest of the image names. */
  readonly sha256: string;
}

/**
 * Pulls the module of an image (Wasm Image Specification): an image of Docker or OCI whose last layer has `plugin.wasm`, or an artifact with
 * a layer that is the module. What is pulled has the digests that the registry, and the reference, say.
 * @throws XebecError with what is wrong: where, and what
 */
export async function pullModule(reference: ImageReference, options: RegistryOptions): Promise<ImageModule> {
  const registry = new RegistryReader(reference, options);
  const where = `${reference.registry}/${reference.repository}`;
  const wrong = (what: string): XebecError => new XebecError("failed_precondition", `${where}: ${what}`);
  const manifestOf = async (version: string) => {
    const { body, type } = await registry.get(`manifests/${version}`, MAX_MANIFEST_BYTES, MANIFESTS);
    const sha256 = digestOf(body);
    if (DIGEST.test(version) && version !== `sha256:${sha256}`)
      throw wrong(`the manifest has the digest sha256:${sha256}, not ${version}`);
    const manifest = manifestIn(body);
    if (!manifest) throw wrong("the manifest is not JSON");
    return { sha256, type, manifest };
  };
  const top = await manifestOf(reference.version);
  let { manifest } = top;
  if (manifest.manifests && INDEXES.includes(manifest.mediaType ?? top.type)) {
    const digest = chosen(manifest.manifests)?.digest ?? "";
    if (!DIGEST.test(digest)) throw wrong("the index names no manifest");
    manifest = (await manifestOf(digest)).manifest;
  }
  const { layers = [] } = manifest;
  const own = layers.find(({ mediaType }) => MODULE_LAYERS.includes(mediaType ?? ""));
  const last = layers.at(-1);
  const layer = own ?? (ARCHIVE_LAYERS.includes(last?.mediaType ?? "") ? last : undefined);
  if (!layer)
    throw wrong(
      `it is no image of a module: its layers are ${
        layers
          .map(({ mediaType = "?" }) => mediaType.slice(0, 100))
          .join(", ")
          .slice(0, 500) || "none"
      }`,
    );
  const { digest = "", size = 0 } = layer;
  if (!DIGEST.test(digest)) throw wrong(`a layer has the digest "${digest.slice(0, 100)}", which is not sha256`);
  if (size > MAX_MODULE_BYTES) throw wrong(`the layer has ${size} bytes, more than ${MAX_MODULE_BYTES}`);
  const { body } = await registry.get(`blobs/${digest}`, MAX_MODULE_BYTES);
  if (`sha256:${digestOf(body)}` !== digest) throw wrong(`the layer ${digest} has another content`);
  if (own) return { bytes: body, sha256: top.sha256 };
  const archive = await unpack(body, { maxOutputLength: 2 * MAX_MODULE_BYTES }).catch((cause: unknown) => {
    throw new XebecError("failed_precondition", `${where}: the layer ${digest} cannot be decompressed`, { cause });
  });
  const bytes = fileInTar(archive, FILE);
  if (!bytes) throw wrong(`its last layer has no ${FILE}`);
  return { bytes, sha256: top.sha256 };
}

function digestOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function manifestIn(body: Buffer): Manifest | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === "object" && value !== null ? (value as Manifest) : undefined;
  } catch {
    return undefined;
  }
}

/** Modules are for every platform: that of most images, else the first. */
function chosen(manifests: readonly Descriptor[]): Descriptor | undefined {
  return (
    manifests.find(({ platform }) => platform?.os === "linux" && platform.architecture === "amd64") ?? manifests[0]
  );
}
