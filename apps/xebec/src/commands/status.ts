import type { Condition } from "@xebec/model-resources";
import type { MeshStatus, UnitStatus } from "@xebec/platform-local";
import { askSupervisor } from "../control.ts";
import { objectName } from "../object-name.ts";
import { type Format, listing, print, table } from "../output.ts";
import { runDirectory } from "../paths.ts";

/** Something that was refused, with its place. */
export interface Refused {
  readonly file: string;
  readonly line: number | undefined;
  readonly object: string;
  readonly by: string;
  readonly reason: string;
}

/** `xebec status`: what runs where, and what of the configuration is refused or has no effect. */
export async function status(options: { readonly output: Format }): Promise<number> {
  const runDir = runDirectory();
  const mesh = await askSupervisor<MeshStatus>(runDir, "GET", "/status");
  const conditions = await askSupervisor<Condition[]>(runDir, "GET", "/conditions");
  const refused = refusedOf(mesh, conditions);
  const ignored = conditionsIn("ignored", conditions);
  print(listing(options.output, { ...mesh, refused, ignored }, () => text(mesh, refused, ignored)));
  return 0;
}

function conditionsIn(state: Condition["state"], conditions: readonly Condition[]): Refused[] {
  return conditions
    .filter((each) => each.state === state)
    .map((each) => ({
      file: each.source ?? "",
      line: each.line,
      object: objectName(each.object),
      by: each.consumer,
      reason: each.message || each.reason,
    }));
}

export function refusedOf(mesh: MeshStatus, conditions: readonly Condition[]): Refused[] {
  return [
    ...conditionsIn("rejected", conditions),
    ...mesh.problems.map((each) => ({
      file: each.path,
      line: each.line,
      object: "",
      by: "local platform",
      reason: each.message,
    })),
  ];
}

function text(mesh: MeshStatus, refused: readonly Refused[], ignored: readonly Refused[]): string {
  const units = (kind: UnitStatus["kind"]): string =>
    table(
      [kind === "pod" ? "POD" : "SERVICE", "READY", "ADDRESSES", "PID", "RESTARTS", "LOG"],
      mesh.units
        .filter((unit) => unit.kind === kind)
        .map((unit) => [
          unit.name,
          unit.ready ? "yes" : "no",
          unit.addresses.join(","),
          String(unit.pid ?? "-"),
          String(unit.restarts),
          unit.log,
        ]),
    );
  const objects = (title: string, list: readonly Refused[]): string =>
    list.length === 0
      ? ""
      : `\n${title}\n${table(
          ["FILE", "OBJECT", "BY", "REASON"],
          list.map((each) => [each.line ? `${each.file}:${each.line}` : each.file, each.object, each.by, each.reason]),
        )}`;
  const problems = mesh.units.filter((unit) => !unit.ready && unit.problem);
  return [
    `Ingress ${mesh.ingress}    files ${mesh.configDir}    supervisor ${mesh.supervisor}${mesh.monolith ? "    one process" : ""}\n\n`,
    units("service"),
    "\n",
    units("pod"),
    ...(problems.length > 0 || mesh.missing.length > 0
      ? [
          "\nNot ready\n",
          ...mesh.missing.map((each) => `  ${each}\n`),
          ...problems.map((unit) => `  ${unit.name}: ${unit.problem}\n`),
        ]
      : []),
    objects("Refused: the last good state stays", refused),
    objects("Without effect", ignored),
  ].join("");
}
