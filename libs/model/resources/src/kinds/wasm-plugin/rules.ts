import type { Checker } from "../../rules/checker.ts";
import { checkPolicyTargets } from "../shared/policy-target.ts";
import type { WasmPluginSpec } from "./schema.ts";

const MOST_VARIABLES = 256;
/** Most characters. */
const LONGEST = { imagePullSecret: 253, pluginName: 256 } as const;
const LONGEST_NAME = 256;
const LONGEST_VALUE = 2048;
const SCHEMES = new Set(["file", "http", "https", "oci"]);

/** Semantic rules of WasmPlugin (docs/reference/platform.md §3.11). */
export function checkWasmPlugin(spec: WasmPluginSpec, check: Checker): void {
  checkPolicyTargets(spec, check);
  checkUrl(spec.url, check);
  if (spec.sha256 && !/^[0-9a-f]{64}$/.test(spec.sha256))
    check.fail(["spec", "sha256"], "must be 64 hexadecimal digits in lower case");
  for (const field of ["imagePullSecret", "pluginName"] as const)
    if ((spec[field]?.length ?? 0) > LONGEST[field])
      check.fail(["spec", field], `must have at most ${LONGEST[field]} characters`);
  const { env = [] } = spec.vmConfig ?? {};
  const path = ["spec", "vmConfig", "env"];
  if (env.length > MOST_VARIABLES) check.fail(path, `has more than ${MOST_VARIABLES}`);
  const names = new Set<string>();
  for (const [i, { name, valueFrom, value }] of env.entries()) {
    if (names.has(name)) check.fail([...path, i, "name"], `"${name}" is listed twice`);
    names.add(name);
    if (name.length > LONGEST_NAME) check.fail([...path, i, "name"], `must have at most ${LONGEST_NAME} characters`);
    if ((value?.length ?? 0) > LONGEST_VALUE)
      check.fail([...path, i, "value"], `must have at most ${LONGEST_VALUE} characters`);
    if (valueFrom === "HOST" && value) check.fail([...path, i, "value"], "must be left out with valueFrom HOST");
  }
}

function checkUrl(url: string, check: Checker): void {
  const path = ["spec", "url"];
  const [, scheme] = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\//.exec(url) ?? [];
  if (scheme !== undefined && !SCHEMES.has(scheme.toLowerCase())) {
    check.fail(path, `has the scheme ${scheme}; write file, http, https or oci`);
    return;
  }
  if (!URL.canParse(scheme === undefined ? `oci://${url}` : url)) check.fail(path, `"${url}" is not a URL`);
}
