import { existsSync } from "node:fs";
import { relative } from "node:path";
import { XebecError } from "@xebec/core-errors";
import { type Condition, findKind, KINDS } from "@xebec/model-resources";
import { readManifests } from "../config-files.ts";
import { askSupervisor } from "../control.ts";
import { meshContext } from "../mesh-context.ts";
import { type Format, listing, print, table } from "../output.ts";

/** `xebec get KIND [NAME]`: objects of the configuration directory, and what the services say of each. */
export async function get(
  kind: string,
  name: string | undefined,
  options: { readonly output: Format },
): Promise<number> {
  const { configDir, runDir, mesh } = await meshContext();
  if (!existsSync(configDir)) throw new XebecError("not_found", `${configDir} does not exist; start with "xebec up"`);
  const wanted = matcher(kind);
  const found = [...readManifests(configDir)].flatMap(([path, text]) =>
    text
      .objects()
      .filter((each) => wanted(each.id.kind) && (name === undefined || each.id.name === name))
      .map((each) => ({ ...each, file: `${relative(configDir, path)}:${each.line}` })),
  );
  if (name !== undefined && found.length === 0)
    throw new XebecError("not_found", `there is no ${kind} "${name}" in ${configDir}`);
  const conditions = mesh ? await askSupervisor<Condition[]>(runDir, "GET", "/conditions") : [];
  const values = found.map((each) => each.value);
  print(
    listing(options.output, name === undefined ? { apiVersion: "v1", kind: "List", items: values } : values[0], () =>
      table(
        ["NAMESPACE", "NAME", "KIND", "FILE", "STATE"],
        found.map(({ id, file }) => [
          id.namespace || "-",
          id.name,
          id.kind,
          file,
          stateOf(`${id.group}/${id.kind}/${id.namespace}/${id.name}`, conditions),
        ]),
      ),
    ),
  );
  return 0;
}

function matcher(text: string): (kind: string) => boolean {
  if (text === "all") return () => true;
  const known = findKind(text);
  if (known) return (kind) => kind === known.kind;
  const wanted = text.toLowerCase().replace(/s$/, "");
  const local = ["namespace", "service", "serviceaccount", "deployment", "configmap", "secret"];
  if (!local.includes(wanted))
    throw new XebecError(
      "invalid_argument",
      `no kind "${text}"; there are ${[...KINDS.slice(0, 9).map((kind) => kind.plural), ...local.map((kind) => `${kind}s`)].join(", ")}, all`,
    );
  return (kind) => kind.toLowerCase() === wanted;
}

function stateOf(key: string, conditions: readonly Condition[]): string {
  return (
    conditions
      .filter((each) => each.object === key)
      .map((each) => `${each.consumer}: ${each.state}`)
      .sort()
      .join(", ") || "-"
  );
}
