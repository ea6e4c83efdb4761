import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempDisposableSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

export interface OciConfig {
  readonly entrypoint: readonly string[];
  readonly user: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const TYPES = "application/vnd.oci.image";
/** The same files make the same bytes: no times, no users of this machine, one order. */
const TAR = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--format=posix"];
const PAX = "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime";

/** A folder as a layer: an uncompressed tar. */
export function layerOf(folder: string): Buffer {
  // A folder of its own is for nobody else, a root is for everybody.
  chmodSync(folder, 0o755);
  return execFileSync("tar", [...TAR, PAX, "-C", folder, "-cf", "-", "."], { maxBuffer: 1 << 30 });
}

/**
 * Writes an image as an archive of the OCI image layout, which `docker load`, `ctr image import`, `crane push` and `skopeo` take.
 * @param reference by which it is loaded, `docker.io/xebec/pilot:0.1.0`
 * @param layers tars, the lowest first
 */
export function writeOciArchive(file: string, reference: string, layers: readonly Buffer[], config: OciConfig): void {
  using folder = mkdtempDisposableSync(join(tmpdir(), "xebec-image-"));
  const blobs = join(folder.path, "blobs/sha256");
  mkdirSync(blobs, { recursive: true });
  const blob = (bytes: Buffer, mediaType: string): Descriptor => {
    const hash = sha256(bytes);
    writeFileSync(join(blobs, hash), bytes);
    return { mediaType, digest: `sha256:${hash}`, size: bytes.length };
  };
  const json = (value: unknown, mediaType: string): Descriptor => blob(Buffer.from(JSON.stringify(value)), mediaType);
  const manifest = json(
    {
      ...{ schemaVersion: 2, mediaType: `${TYPES}.manifest.v1+json` },
      config: json(
        {
          ...{ architecture: process.arch === "x64" ? "amd64" : process.arch, os: "linux" },
          config: {
            ...{ Entrypoint: config.entrypoint, User: config.user, WorkingDir: "/" },
            Env: Object.entries(config.env ?? {}).map(([name, value]) => `${name}=${value}`),
            Labels: config.labels ?? {},
          },
          rootfs: { type: "layers", diff_ids: layers.map((each) => `sha256:${sha256(each)}`) },
        },
        `${TYPES}.config.v1+json`,
      ),
      layers: layers.map((each) => blob(compressed(each), `${TYPES}.layer.v1.tar+gzip`)),
    },
    `${TYPES}.manifest.v1+json`,
  );
  const annotations = { "io.containerd.image.name": reference, "org.opencontainers.image.ref.name": tagOf(reference) };
  writeFileSync(join(folder.path, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  const index = { schemaVersion: 2, mediaType: `${TYPES}.index.v1+json`, manifests: [{ ...manifest, annotations }] };
  writeFileSync(join(folder.path, "index.json"), JSON.stringify(index));
  writeFileSync(file, layerOf(folder.path));
}

/** What an archive says of its image, and its layers as tars. */
export function readOciArchive(folder: string): {
  readonly config: { readonly config: OciRuntime };
  readonly layers: readonly Buffer[];
} {
  const read = (digest: string): Buffer => readFileSync(join(folder, "blobs/sha256", digest.replace("sha256:", "")));
  const index = JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as { manifests: Descriptor[] };
  const manifest = JSON.parse(read(index.manifests[0]?.digest ?? "").toString()) as {
    config: Descriptor;
    layers: Descriptor[];
  };
  return {
    config: JSON.parse(read(manifest.config.digest).toString()),
    layers: manifest.layers.map(({ digest }) => read(digest)),
  };
}

export interface OciRuntime {
  readonly Entrypoint: readonly string[];
  readonly User: string;
  readonly WorkingDir: string;
}

/** All images share a layer, which takes seconds. */
const done = new WeakMap<Buffer, Buffer>();

function compressed(layer: Buffer): Buffer {
  const bytes = done.get(layer) ?? gzipSync(layer, { level: 1 });
  done.set(layer, bytes);
  return bytes;
}

function tagOf(reference: string): string {
  return /:([^/:]+)$/.exec(reference)?.[1] ?? "latest";
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
