import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { XebecError } from "@xebec/core-errors";

/** An adapter's package on this machine. */
export interface PackagePlace {
  /** Its folder. */
  readonly root: string;
  /** The module that has the adapter. */
  readonly entry: string;
  /** As in its package.json; absent without one. */
  readonly version: string | undefined;
}

const ENTRIES = ["src/index.ts", "index.ts", "index.js", "index.mjs", "dist/index.js"];

/**
 * Finds an adapter by a folder (`./geo`, `/adapters/geo`), a file, or the name of an npm package.
 * @param reference as `--adapter` has it
 * @param from the folder from which packages are looked for, upwards
 * @throws XebecError invalid_argument when there is none
 */
export function findPackage(reference: string, from = process.cwd()): PackagePlace {
  const path = resolve(from, reference);
  const isPath = isAbsolute(reference) || reference.startsWith(".") || existsSync(path);
  const root = isPath ? path : findInstalled(reference, from);
  if (root === undefined || !existsSync(root))
    throw refusal(reference, isPath ? `there is no ${path}` : `no node_modules/${reference} from ${from} upwards`);
  if (statSync(root).isFile()) return { root: dirname(root), entry: root, version: undefined };
  const { main, version } = readManifest(reference, root);
  const entry = [...(main === undefined ? [] : [main]), ...ENTRIES]
    .map((each) => join(root, each))
    .find((each) => existsSync(each));
  if (entry === undefined) throw refusal(reference, `${root} has no module: "exports" in package.json, or index.ts`);
  return { root, entry, version };
}

/** The folder of an npm package that modules in a folder find. */
export function findInstalled(name: string, from: string): string | undefined {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const found = join(folder, "node_modules", name);
    if (existsSync(join(found, "package.json"))) return found;
    if (folder === dirname(folder)) return undefined;
  }
}

function readManifest(
  reference: string,
  root: string,
): { readonly main: string | undefined; readonly version: string | undefined } {
  const file = join(root, "package.json");
  if (!existsSync(file)) return { main: undefined, version: undefined };
  try {
    const { exports, main, version } = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    return { main: targetOf(exports) ?? asText(main), version: asText(version) };
  } catch (error) {
    throw refusal(reference, `${file}: ${(error as Error).message}`);
  }
}

/** What `exports` has for the package itself. */
function targetOf(exports: unknown): string | undefined {
  if (typeof exports !== "object" || exports === null) return asText(exports);
  const conditions = exports as Record<string, unknown>;
  const next = conditions["."] ?? conditions.import ?? conditions.node ?? conditions.default;
  return next === undefined ? undefined : targetOf(next);
}

const asText = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

export function refusal(reference: string, why: string): XebecError {
  return new XebecError("invalid_argument", `--adapter ${reference}: ${why}`);
}
