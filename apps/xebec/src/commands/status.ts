import type { Condition } from "@xebec/model-resources";
import type { MeshStatus, ProcessStatus } from "@xebec/platform-local";
import { callSupervisor } from "../control.ts";
import { type Diagnostics, diagnosticsOf, type ObjectDiagnostic } from "../diagnostics.ts";
import { type Format, listing, print, table } from "../output.ts";
import { runDirectory } from "../paths.ts";
import { hasIngress } from "../summary.ts";

/** `xebec status`: what runs where, and what of the configuration is refused or has no effect, whole or in part. */
export async function status(options: { readonly output: Format }): Promise<number> {
  const runDir = runDirectory();
  const mesh = await callSupervisor<MeshStatus>(runDir, "GET", "/status");
  const conditions = await callSupervisor<Condition[]>(runDir, "GET", "/conditions");
  const report = diagnosticsOf(mesh, conditions);
  print(listing(options.output, { ...mesh, ...report }, () => text(mesh, report)));
  return 0;
}

function text(mesh: MeshStatus, { refused, ignored, partly }: Diagnostics): string {
  const processes = (kind: ProcessStatus["kind"]): string =>
    table(
      [kind === "pod" ? "POD" : "SERVICE", "READY", "ADDRESSES", "PID", "RESTARTS"],
      mesh.processes
        .filter((each) => each.kind === kind)
        .map((each) => [
          each.name,
          each.ready ? "yes" : "no",
          each.addresses.join(","),
          String(each.pid ?? "-"),
          String(each.restarts),
        ]),
    );
  const objects = (title: string, list: readonly ObjectDiagnostic[]): string =>
    list.length === 0
      ? ""
      : `\n${title}\n${table(
          ["FILE", "OBJECT", "BY", "MESSAGE"],
          list.map((each) => [each.line ? `${each.file}:${each.line}` : each.file, each.object, each.by, each.message]),
        )}`;
  const problems = mesh.processes.filter((each) => !each.ready && each.problem);
  return [
    `Ingress ${hasIngress(mesh) ? mesh.ingress : "none"}    files ${mesh.configDir}    supervisor ${mesh.supervisor}${mesh.monolith ? "    one process" : ""}\n\n`,
    processes("service"),
    "\n",
    processes("pod"),
    ...(problems.length > 0 || mesh.missing.length > 0
      ? [
          "\nNot ready\n",
          ...mesh.missing.map((each) => `  ${each}\n`),
          ...problems.map((each) => `  ${each.name}: ${each.problem}\n`),
        ]
      : []),
    objects("Refused: the last known good state stays", refused),
    objects("Without effect", ignored),
    objects("Partly in effect", partly),
  ].join("");
}
