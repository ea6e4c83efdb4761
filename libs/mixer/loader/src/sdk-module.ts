import { registerHooks } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as sdk from "@xebec/mixer-sdk";
import * as testkit from "@xebec/mixer-sdk/testkit";
import { findInstalled } from "./package.ts";

/** The SDK of this process, for adapters that have none of their own. */
const MODULES: Readonly<Record<string, object>> = { "@xebec/mixer-sdk": sdk, "@xebec/mixer-sdk/testkit": testkit };
const SCHEME = "xebec-sdk:";
const HOLDER = Symbol.for("xebec.mixer-sdk");

/** Folders of adapters, each with the number of times that it was loaded. */
const versions = new Map<string, number>();
let hooked = false;

/**
 * Prepares for an adapter's modules: what they import of the SDK is found, and a folder that is loaded again is read again.
 * @param root the adapter's folder
 * @returns the version to import its entry with; see `versioned`
 */
export function prepareImports(root: string): number {
  if (!hooked) hook();
  const next = (versions.get(root) ?? 0) + 1;
  versions.set(root, next);
  return next;
}

/** The URL of a module in the version of a folder. */
export function versioned(path: string, version: number): string {
  const url = pathToFileURL(path);
  if (version > 1) url.searchParams.set("xebec", String(version));
  return url.href;
}

function hook(): void {
  hooked = true;
  (globalThis as Record<symbol, unknown>)[HOLDER] = MODULES;
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier in MODULES && !hasOwn(context.parentURL)) return { url: SCHEME + specifier, shortCircuit: true };
      const found = next(specifier, context);
      return { ...found, url: inVersionOf(found.url, context.parentURL) };
    },
    load(url, context, next) {
      if (!url.startsWith(SCHEME)) return next(url, context);
      const name = url.slice(SCHEME.length);
      const names = Object.keys(MODULES[name] ?? {}).join(", ");
      const source = `export const { ${names} } = globalThis[Symbol.for("xebec.mixer-sdk")][${JSON.stringify(name)}];`;
      return { format: "module", source, shortCircuit: true };
    },
  });
}

/** Whether the importing module finds the package where it lies. */
function hasOwn(parent: string | undefined): boolean {
  return (
    !parent?.startsWith("file:") || findInstalled("@xebec/mixer-sdk", dirname(fileURLToPath(parent))) !== undefined
  );
}

/** A file of an adapter's own is imported in the version of the module that imports it. */
function inVersionOf(url: string, parent: string | undefined): string {
  const version = parent?.startsWith("file:") ? new URL(parent).searchParams.get("xebec") : null;
  if (version === null || !url.startsWith("file:") || url.includes("/node_modules/")) return url;
  const own = new URL(url);
  own.searchParams.set("xebec", version);
  return own.href;
}
