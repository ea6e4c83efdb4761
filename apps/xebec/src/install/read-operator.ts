import { readFileSync } from "node:fs";
import { XebecError } from "@xebec/core-errors";
import { readManifest } from "@xebec/core-yaml";
import { applySet, isTree, merged, type Tree } from "./set-flag.ts";

/**
 * Reads what to install: files with an IstioOperator, joined in their order, and `--set` above them.
 * @returns the spec
 * @throws XebecError invalid_argument for a file that cannot be read, or that holds something else
 */
export function readOperator(flags: { readonly filename?: readonly string[]; readonly set?: readonly string[] }): Tree {
  let spec: Tree = {};
  for (const file of flags.filename ?? []) spec = merged(spec, specOf(file));
  for (const each of flags.set ?? []) applySet(spec, each);
  return spec;
}

function specOf(file: string): Tree {
  let text: string;
  try {
    text = readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new XebecError("invalid_argument", `${file}: ${(error as Error).message}`, { cause: error });
  }
  const { objects, errors } = readManifest(text);
  const [error] = errors;
  if (error) throw new XebecError("invalid_argument", `${file}:${error.line}: ${error.message}`);
  let spec: Tree = {};
  for (const { value, line } of objects) {
    const { apiVersion, kind } = value as { apiVersion?: string; kind?: string };
    if (kind !== "IstioOperator" || !String(apiVersion).startsWith("install.istio.io/"))
      throw new XebecError(
        "invalid_argument",
        `${file}:${line}: ${kind ?? "this"} is no IstioOperator; apply it with kubectl after the installation`,
      );
    if (isTree(value.spec)) spec = merged(spec, value.spec);
  }
  return spec;
}
