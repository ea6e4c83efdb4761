import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import type { Image, ImageStore } from "../runtime/image.ts";
import { run } from "../runtime/run.ts";

const REFERENCE = "org.opencontainers.image.ref.name";
const NAME = "io.containerd.image.name";

/**
 * Images of a folder: each `*.tar` in it is an OCI archive (image layout), unpacked when a pod first needs it. The archive's
 * annotations `io.containerd.image.name` or `org.opencontainers.image.ref.name` name the image; a reference that is a tag alone
 * belongs to the file's name.
 */
export class OciImages implements ImageStore {
  readonly #folder: string;
  readonly #next: ImageStore;
  readonly #unpacking = new Map<string, Promise<Image>>();

  /** @param next has what is not in the folder */
  constructor(folder: string, next: ImageStore) {
    this.#folder = folder;
    this.#next = next;
  }

  async resolve(image: string): Promise<Image> {
    for (const file of existsSync(this.#folder) ? readdirSync(this.#folder) : []) {
      if (!file.endsWith(".tar")) continue;
      const path = join(this.#folder, file);
      if (!(await namesOf(path)).some((name) => isSame(name, image))) continue;
      const { size, mtimeMs } = statSync(path);
      const key = createHash("sha256").update(`${path} ${size} ${mtimeMs}`).digest("hex").slice(0, 16);
      let made = this.#unpacking.get(key);
      if (!made) {
        made = unpack(path, join(this.#folder, "unpacked", key));
        this.#unpacking.set(key, made);
        made.catch(() => this.#unpacking.delete(key));
      }
      return made;
    }
    return this.#next.resolve(image);
  }
}

interface Index {
  readonly manifests: readonly { readonly digest: string; readonly annotations?: Readonly<Record<string, string>> }[];
}

async function namesOf(archive: string): Promise<string[]> {
  const { manifests } = JSON.parse(await run("tar", ["-xOf", archive, "--wildcards", "*index.json"])) as Index;
  return manifests.flatMap(({ annotations = {} }) => {
    const reference = annotations[NAME] ?? annotations[REFERENCE];
    if (reference === undefined) return [basename(archive, ".tar")];
    return [/[/:]/.test(reference) ? reference : `${basename(archive, ".tar")}:${reference}`];
  });
}

/** Docker's default registry and tag may be left out. */
function isSame(one: string, other: string): boolean {
  const full = (name: string): string => {
    const [path = ""] = name.replace(/^(?:docker\.io\/)?(?:library\/)?/, "").split("@");
    return path.lastIndexOf(":") > path.lastIndexOf("/") ? path : `${path}:latest`;
  };
  return full(one) === full(other);
}

async function unpack(archive: string, folder: string): Promise<Image> {
  const part = `${folder}.part`;
  if (!existsSync(folder)) {
    rmSync(part, { recursive: true, force: true });
    mkdirSync(join(part, "layout"), { recursive: true, mode: 0o755 });
    await run("tar", ["-xf", archive, "-C", join(part, "layout")]);
    const { manifest } = readLayout(join(part, "layout"));
    const root = join(part, "root");
    mkdirSync(root, { mode: 0o755 });
    for (const { digest } of manifest.layers) {
      await run("tar", ["-xf", blob(join(part, "layout"), digest), "-C", root, "--numeric-owner"]);
      applyWhiteouts(root);
    }
    renameSync(part, folder);
  }
  const { config, digest } = readLayout(join(folder, "layout"));
  const { Entrypoint, Cmd, Env = [], WorkingDir, User = "" } = config.config ?? {};
  const [uid = 0, gid = uid] = User.split(":")
    .filter(Boolean)
    .map((each) => idOf(join(folder, "root"), each));
  return {
    layers: [join(folder, "root")],
    entrypoint: Entrypoint ?? [],
    cmd: Cmd ?? [],
    env: Object.fromEntries(Env.map((each) => [each.slice(0, each.indexOf("=")), each.slice(each.indexOf("=") + 1)])),
    workingDir: WorkingDir || "/",
    user: { uid, gid },
    id: digest,
  };
}

interface Manifest {
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly digest: string }[];
}
interface Config {
  readonly config?: {
    readonly Entrypoint?: readonly string[];
    readonly Cmd?: readonly string[];
    readonly Env?: readonly string[];
    readonly WorkingDir?: string;
    readonly User?: string;
  };
}

function readLayout(layout: string): { manifest: Manifest; config: Config; digest: string } {
  const json = <T>(path: string): T => JSON.parse(readFileSync(path, "utf8")) as T;
  const [first] = json<Index>(join(layout, "index.json")).manifests;
  if (!first) throw new XebecError("invalid_argument", `${layout}: the index names no image`);
  const manifest = json<Manifest>(blob(layout, first.digest));
  return { manifest, config: json<Config>(blob(layout, manifest.config.digest)), digest: first.digest };
}

function blob(layout: string, digest: string): string {
  if (!/^sha(256|512):[0-9a-f]{64,128}$/.test(digest))
    throw new XebecError("invalid_argument", `${layout}: ${digest} is no digest`);
  return join(layout, "blobs", digest.replace(":", "/"));
}

/** A layer removes what is below by files named `.wh.NAME` (OCI image specification, "Whiteouts"). */
function applyWhiteouts(root: string): void {
  for (const path of readdirSync(root, { recursive: true }) as string[]) {
    const name = basename(path);
    if (!name.startsWith(".wh.")) continue;
    rmSync(join(root, path), { force: true });
    if (name !== ".wh..wh..opq") rmSync(join(root, dirname(path), name.slice(4)), { recursive: true, force: true });
  }
}

function idOf(root: string, user: string): number {
  if (/^\d+$/.test(user)) return Number(user);
  const file = join(root, "etc/passwd");
  const line = existsSync(file)
    ? readFileSync(file, "utf8")
        .split("\n")
        .find((each) => each.startsWith(`${user}:`))
    : undefined;
  if (line) return Number(line.split(":")[2]);
  throw new XebecError("invalid_argument", `the image's user ${user} is not in its /etc/passwd`);
}
