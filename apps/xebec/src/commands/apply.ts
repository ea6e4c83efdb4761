import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { XebecError } from "@xebec/core-errors";
import { redactText } from "@xebec/core-log";
import { removeFile, writeFileAtomic } from "@xebec/platform-files";
import { ManifestText, readManifests } from "../config-files.ts";
import { callSupervisor, type SupervisorQuery } from "../control.ts";
import { type Expected, expectedOf } from "../expected.ts";
import { meshContext } from "../mesh-context.ts";
import { mixerContextWith } from "../mixer-objects.ts";
import { kubectlKind, kubectlName } from "../object-name.ts";
import { print } from "../output.ts";
import { type InputObject, readInput } from "../read-input.ts";
import { unsupportedIn, validateInput } from "../validate-input.ts";
import { type Before, lookBefore, waitForEffect } from "../wait-effect.ts";

/** Whatever is wrong with a file, its text or its objects: the same as for any wrong input. */
const EXIT_FILE = 2;
/** A controller rejects what was written, or has not decided in time. */
const EXIT_VERDICT = 1;

interface FileOptions {
  readonly filename: readonly string[];
  /** False: does not wait until the change is in effect. */
  readonly wait: boolean;
  /** How long to wait for that, in seconds. */
  readonly timeout: number;
}

/** `xebec apply -f`: writes objects into the configuration directory, once none of them is refused. */
export async function apply(options: FileOptions): Promise<number> {
  const objects = readInput(options.filename);
  const { configDir, addressBlock, mesh, runDir } = await meshContext();
  const mixer = mixerContextWith(objects, configDir);
  const { errors, warnings } = await validateInput(objects, mixer, mesh, addressBlock);
  // kubectl's form of what a webhook warns of.
  for (const each of warnings) process.stderr.write(`Warning: ${each}\n`);
  if (errors.length > 0) {
    for (const each of unsupportedIn(objects)) errors.push(each);
    const text = `xebec: refused, nothing was written\n${errors.map((each) => `  ${each}\n`).join("")}`;
    process.stderr.write(redactText(text));
    return EXIT_FILE;
  }
  for (const each of unsupportedIn(objects)) process.stderr.write(`xebec: ${each}\n`);
  mkdirSync(configDir, { recursive: true });
  const files = readManifests(configDir);
  const changed = new Set<string>();
  const lines = objects.map((object) => `${nameOf(object)} ${put(object, configDir, files, changed)}`);
  const before = mesh && options.wait ? await lookBefore(queryOf(runDir)) : undefined;
  await write(files, changed);
  print(lines.join("\n"));
  // Also what was there already may be refused.
  return before ? waitAndReport(runDir, expectedOf(objects, { mixer }), options, before) : 0;
}

/** `xebec delete -f`: takes the objects that files name out of the configuration directory. */
export async function remove(options: FileOptions & { readonly ignoreNotFound?: true }): Promise<number> {
  const objects = readInput(options.filename);
  const { configDir, mesh, runDir } = await meshContext();
  const files = existsSync(configDir) ? readManifests(configDir) : new Map<string, ManifestText>();
  const mixer = mixerContextWith(objects, configDir);
  const changed = new Set<string>();
  const missing: string[] = [];
  const lines: string[] = [];
  for (const object of objects) {
    let found = false;
    for (const [path, text] of files)
      while (text.remove(object.id)) {
        found = true;
        changed.add(path);
      }
    if (found)
      lines.push(`${kubectlKind(String(object.value.apiVersion), object.id.kind)} "${object.id.name}" deleted`);
    else missing.push(nameOf(object));
  }
  const before = mesh && options.wait ? await lookBefore(queryOf(runDir)) : undefined;
  await write(files, changed);
  if (lines.length > 0) print(lines.join("\n"));
  const code =
    before && changed.size > 0
      ? await waitAndReport(runDir, expectedOf(objects, { mixer, gone: true }), options, before)
      : 0;
  if (missing.length > 0 && !options.ignoreNotFound)
    throw new XebecError("not_found", `not in ${configDir}: ${missing.join(", ")}`);
  return code;
}

function queryOf(runDir: string): SupervisorQuery {
  return (path) => callSupervisor(runDir, "GET", path);
}

/** Reports what every controller makes of a change. The files are written in any case. @returns the exit code */
async function waitAndReport(
  runDir: string,
  expected: Expected,
  { timeout }: FileOptions,
  before: Before,
): Promise<number> {
  const { refused, outstanding, remarks } = await waitForEffect(expected, queryOf(runDir), timeout * 1_000, before);
  const lines = [
    ...refused.map((each) => `error: ${each}`),
    ...outstanding.map((each) => `error: ${each}`),
    ...remarks.map((each) => `warning: ${each}`),
  ];
  process.stderr.write(redactText(lines.map((each) => `${each}\n`).join("")));
  if (refused.length + outstanding.length === 0) return 0;
  process.stderr.write("xebec: the files are written nevertheless\n");
  return EXIT_VERDICT;
}

function nameOf({ value, id }: InputObject): string {
  return kubectlName(String(value.apiVersion), id.kind, id.name);
}

function put(
  object: InputObject,
  configDir: string,
  files: Map<string, ManifestText>,
  changed: Set<string>,
): "created" | "configured" | "unchanged" {
  for (const [path, text] of files) {
    const old = text.find(object.id);
    if (!old) continue;
    if (isDeepStrictEqual(old, object.value)) return "unchanged";
    text.put(object.id, object.text);
    changed.add(path);
    return "configured";
  }
  const { kind, namespace, name } = object.id;
  const short = join(configDir, `${kind.toLowerCase()}-${name}.yaml`);
  const path = files.has(short) ? join(configDir, `${kind.toLowerCase()}-${name}.${namespace}.yaml`) : short;
  const text = files.get(path) ?? new ManifestText("");
  text.put(object.id, object.text);
  files.set(path, text);
  changed.add(path);
  return "created";
}

/** The file is its user's: it stays as readable as it is, a new one as what an editor makes; one with a Secret is its owner's alone. */
function modeOf(path: string, text: ManifestText): number {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found) return found.mode & 0o777;
  return text.objects().some(({ id }) => id.kind === "Secret") ? 0o600 : 0o666 & ~process.umask();
}

async function write(files: ReadonlyMap<string, ManifestText>, changed: ReadonlySet<string>): Promise<void> {
  for (const path of changed) {
    const text = files.get(path);
    if (!text || text.isEmpty()) await removeFile(path);
    else await writeFileAtomic(path, text.text(), { mode: modeOf(path, text) });
  }
}
