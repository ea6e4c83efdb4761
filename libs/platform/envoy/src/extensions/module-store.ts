import { createHash } from "node:crypto";
import { mkdir, open, readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { XebecError } from "@xebec/core-errors";
import { writeFileAtomic } from "@xebec/platform-files";
import type { RemotePlugin } from "./plugin-messages.ts";

const unpack = promisify(gunzip);

/** What is behind a URL. */
export interface FetchedModule {
  readonly bytes: Buffer;
  /** The hash by which it is known, where that is not its own: the digest of an image. */
  readonly sha256?: string;
}

/** Fetches a module. @throws XebecError */
export type FetchModule = (plugin: RemotePlugin) => Promise<FetchedModule>;

export interface ModuleStore {
  /**
   * The file with the module of a plugin: the one that is there, where the plugin allows that, else one that is fetched.
   * @returns an absolute path
   * @throws XebecError with what is wrong: the module cannot be had, or is another one
   */
  file(plugin: RemotePlugin): Promise<string>;
  /** Removes what no plugin uses. @param isUsed gets absolute paths */
  removeUnused(isUsed: (path: string) => boolean): Promise<void>;
}

/** Most bytes of a module. */
export const MAX_MODULE_BYTES = 64 << 20;
const MAGIC = Buffer.from([0x00, 0x61, 0x73, 0x6d]);
const GZIP = Buffer.from([0x1f, 0x8b]);
const sha256 = (bytes: Buffer | string): string => createHash("sha256").update(bytes).digest("hex");

/**
 * Keeps modules as files: `<hash of the URL>-<hash of the module>.wasm`, so that a restarted agent finds them.
 * @param folder is made when it is needed, for its owner alone
 */
export function createModuleStore(folder: string, fetch: FetchModule): ModuleStore {
  const root = resolve(folder);
  /** The last module that was fetched, and for which revision, by URL. */
  const latest = new Map<string, { readonly revision: string; readonly path: string; readonly hash: string }>();
  const running = new Map<string, Promise<string>>();
  const present = async (url: string, wanted: string): Promise<string | undefined> => {
    const last = latest.get(url);
    if (last && (wanted === "" || last.hash === wanted)) return last.path;
    const prefix = `${sha256(url).slice(0, 32)}-`;
    const names = await readdir(root).catch(() => []);
    const found = names.find(
      (name) => name.startsWith(prefix) && (wanted === "" || name === `${prefix}${wanted}.wasm`),
    );
    return found && join(root, found);
  };
  const fetched = async (plugin: RemotePlugin): Promise<string> => {
    const { url, sha256: wanted, revision } = plugin;
    const found = await fetch(plugin);
    const bytes = await moduleIn(found.bytes, url);
    const hash = found.sha256 ?? sha256(bytes);
    if (wanted !== "" && hash !== wanted)
      throw new XebecError("failed_precondition", `${url} has the sha256 ${hash}, not ${wanted}`);
    await mkdir(root, { recursive: true, mode: 0o700 });
    const path = join(root, `${sha256(url).slice(0, 32)}-${hash}.wasm`);
    await writeFileAtomic(path, bytes, { mode: 0o600 });
    latest.set(url, { revision, path, hash });
    return path;
  };
  return {
    async file(plugin) {
      const { url, sha256: wanted, revision } = plugin;
      const known =
        mustFetch(plugin) && latest.get(url)?.revision !== revision ? undefined : await present(url, wanted);
      if (known) return known;
      const key = JSON.stringify([url, wanted, revision]);
      let work = running.get(key);
      if (!work) {
        work = fetched(plugin).finally(() => running.delete(key));
        running.set(key, work);
      }
      return work;
    },
    async removeUnused(isUsed) {
      for (const name of await readdir(root).catch(() => [])) {
        // What was just fetched is not used yet.
        if (running.size > 0) return;
        if (!isUsed(join(root, name))) await rm(join(root, name), { force: true });
      }
      for (const [url, { path }] of [...latest]) if (!isUsed(path)) latest.delete(url);
    },
  };
}

/** Finds whether a file of the container holds a module. @throws XebecError failed_precondition when it does not */
export async function checkModule(path: string): Promise<void> {
  const file = await open(path).catch((cause: unknown) => {
    throw new XebecError("failed_precondition", `file://${path} cannot be read: the proxy has no such file`, { cause });
  });
  try {
    const { buffer } = await file.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, 0);
    if (!buffer.equals(MAGIC))
      throw new XebecError("failed_precondition", `file://${path} is not a WebAssembly module`);
  } finally {
    await file.close();
  }
}

/** A module that has a hash does not change. */
function mustFetch({ url, sha256: wanted, pullPolicy }: RemotePlugin): boolean {
  if (pullPolicy === "Always") return true;
  return pullPolicy === "" && wanted === "" && url.startsWith("oci://") && isLatest(url);
}

function isLatest(url: string): boolean {
  const name = url.slice(url.lastIndexOf("/") + 1);
  return !name.includes("@") && (!name.includes(":") || name.endsWith(":latest"));
}

async function moduleIn(bytes: Buffer, url: string): Promise<Buffer> {
  const module = bytes.subarray(0, 2).equals(GZIP)
    ? await unpack(bytes, { maxOutputLength: MAX_MODULE_BYTES }).catch((cause: unknown) => {
        throw new XebecError("failed_precondition", `${url} cannot be decompressed`, { cause });
      })
    : bytes;
  if (module.subarray(0, 4).equals(MAGIC)) return module;
  throw new XebecError("failed_precondition", `${url} is not a WebAssembly module`);
}
