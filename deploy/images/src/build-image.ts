import { mkdirSync, mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { entrypointOf, type ImageSpec } from "./images.ts";
import { layerOf, writeOciArchive } from "./oci-archive.ts";
import { type Programs, writeApp, writeBase } from "./root-files.ts";

/** Makes the layer that all images share. */
export function baseLayer(programs: Programs): Buffer {
  using folder = mkdtempDisposableSync(join(tmpdir(), "xebec-base-"));
  writeBase(folder.path, programs);
  return layerOf(folder.path);
}

/**
 * Builds an image without a container engine.
 * @param file the archive
 * @throws XebecError failed_precondition when something is not there that belongs into it
 */
export function buildImage(
  file: string,
  image: ImageSpec,
  {
    workingCopy,
    programs,
    base,
    reference,
  }: {
    readonly workingCopy: string;
    readonly programs: Programs;
    readonly base: Buffer;
    readonly reference: string;
  },
): void {
  using folder = mkdtempDisposableSync(join(tmpdir(), "xebec-app-"));
  writeApp(folder.path, workingCopy, image, programs);
  mkdirSync(dirname(file), { recursive: true });
  writeOciArchive(file, reference, [base, layerOf(folder.path)], {
    entrypoint: entrypointOf(image),
    user: `${image.uid}:${image.uid}`,
    env: { PATH: "/usr/local/bin", NODE_ENV: "production", MALLOC_ARENA_MAX: "1", XEBEC_USE_BUNDLES: "1" },
    labels: { "org.opencontainers.image.title": image.name, "org.opencontainers.image.licenses": "Apache-2.0" },
  });
}
