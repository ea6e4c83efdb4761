import type { Condition } from "@xebec/model-resources";
import type { MeshStatus, UnitStatus } from "@xebec/platform-local";
import { callSupervisor } from "../control.ts";
import { type ObjectReport, objectReport, type Remark } from "../object-report.ts";
import { type Format, listing, print, table } from "../output.ts";
import { runDirectory } from "../paths.ts";
import { hasIngress } from "../summary.ts";

/** `xebec status`: what runs where, and what of the configuration is refused or has no effect, whole or in part. */
export async function status(options: { readonly output: Format }): Promise<number> {
  const runDir = runDirectory();
  const mesh = await callSupervisor<MeshStatus>(runDir, "GET", "/status");
  const conditions = await callSupervisor<Condition[]>(runDir, "GET", "/conditions");
  const report = objectReport(mesh, conditions);
  print(listing(options.output, { ...mesh, ...report }, () => text(mesh, report)));
  return 0;
}

function text(mesh: MeshStatus, { refused, ignored, partly }: ObjectReport): string {
  const units = (kind: UnitStatus["kind"]): string =>
    table(
      [kind === "pod" ? "POD" : "SERVICE", "READY", "ADDRESSES", "PID", "RESTARTS"],
      mesh.units
        .filter((unit) => unit.kind === kind)
        .map((unit) => [
          unit.name,
          unit.ready ? "yes" : "no",
          unit.addresses.join(","),
          String(unit.pid ?? "-"),
          String(unit.restarts),
        ]),
    );
  const objects = (title: string, list: readonly Remark[]): string =>
    list.length === 0
      ? ""
      : `\n${title}\n${table(
          ["FILE", "OBJECT", "BY", "REASON"],
          list.map((each) => [each.line ? `${each.file}:${each.line}` : each.file, each.object, each.by, each.reason]),
        )}`;
  const problems = mesh.units.filter((unit) => !unit.ready && unit.problem);
  return [
    `Ingress ${hasIngress(mesh) ? mesh.ingress : "none"}    files ${mesh.configDir}    supervisor ${mesh.supervisor}${mesh.monolith ? "    one process" : ""}\n\n`,
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
    objects("Refused: the last known good state stays", refused),
    objects("Without effect", ignored),
    objects("Partly in effect", partly),
  ].join("");
}
