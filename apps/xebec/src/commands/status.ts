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

/** `xebec status`: what runs where, and what of the configuration is refused or has no effect, whole or in part. */
export async function status(options: { readonly output: Format }): Promise<number> {
  const runDir = runDirectory();
  const mesh = await askSupervisor<MeshStatus>(runDir, "GET", "/status");
  const conditions = await askSupervisor<Condition[]>(runDir, "GET", "/conditions");
  const refused = refusedOf(mesh, conditions);
  const ignored = shown(conditions, (each) => each.state === "ignored");
  const partly = shown(conditions, (each) => each.reason === "PartlyResolved");
  print(listing(options.output, { ...mesh, refused, ignored, partly }, () => text(mesh, refused, ignored, partly)));
  return 0;
}

/** Only who read an object knows its file; the others' conditions get the place from there. */
function shown(conditions: readonly Condition[], isWanted: (each: Condition) => boolean): Refused[] {
  const places = new Map(conditions.filter((each) => each.source).map((each) => [each.object, each]));
  return conditions.filter(isWanted).map((each) => {
    const { source = "", line } = each.source ? each : (places.get(each.object) ?? each);
    return {
      file: source,
      line,
      object: objectName(each.object),
      by: each.consumer,
      reason: each.message || each.reason,
    };
  });
}

export function refusedOf(mesh: MeshStatus, conditions: readonly Condition[]): Refused[] {
  const rejected = shown(conditions, (each) => each.state === "rejected");
  // Galley and the local platform read the same files; what is wrong with a document as a whole is told once.
  const told = new Set(
    conditions.filter((each) => each.object.startsWith("file/")).map(({ source, line }) => `${source}:${line}`),
  );
  return [
    ...rejected,
    ...mesh.problems
      .filter((each) => !told.has(`${each.path}:${each.line}`))
      .map((each) => ({
        file: each.path,
        line: each.line,
        object: "",
        by: "local platform",
        reason: each.message,
      })),
  ];
}

function text(
  mesh: MeshStatus,
  refused: readonly Refused[],
  ignored: readonly Refused[],
  partly: readonly Refused[],
): string {
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
    objects("Partly in effect", partly),
  ].join("");
}
