import { existsSync } from "node:fs";
import { join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import { SERVICE_NODE_FLAGS } from "./images.ts";
import type { ProcessSpec } from "./process-spec.ts";
import type { Component } from "./replicas.ts";

/** Where the program stands in the command of a service: after Node and its flags. */
const ENTRY = 1 + SERVICE_NODE_FLAGS.length;

/**
 * The program of a component in another build: a folder like the repository's, with bundles (`apps/COMPONENT/dist/main.mjs`), or else
 * with sources whose packages are installed.
 * @throws XebecError not_found that names the file
 */
export function buildEntry(folder: string, component: Component): string {
  const bundle = join(folder, "apps", component, "dist/main.mjs");
  const found = [bundle, join(folder, "apps", component, "src/main.ts")].find((each) => existsSync(each));
  if (found) return found;
  throw new XebecError("not_found", `${bundle} does not exist: name the folder of a build`);
}

/** A service with the program of another build, and all else as before. */
export function withEntry(spec: ProcessSpec, entry: string): ProcessSpec {
  return { ...spec, command: spec.command.with(ENTRY, entry) as [string, ...string[]] };
}
