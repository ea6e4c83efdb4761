import { join, relative } from "node:path";
import type { MeshStatus } from "@xebec/platform-local";

/** What a user wants to know when the mesh has come up. */
export function summary(status: MeshStatus, foreground: boolean, configIsOurs: boolean): string {
  const services = status.units.filter((unit) => unit.kind === "service");
  const pods = status.units.filter((unit) => unit.kind === "pod");
  const near = (path: string): string => {
    const short = relative(process.cwd(), path);
    return short === "" ? "." : short.startsWith("..") ? path : short;
  };
  return [
    "",
    `The mesh is up: ${services.length} services, ${pods.length} pods.`,
    "",
    `  Ingress    ${status.ingress}${configIsOurs ? "/productpage" : ""}`,
    `  Services   ${wrapped(services.map((unit) => `${unit.name} ${unit.addresses[0]}`))}`,
    `  Pods       ${pods.length === 0 ? "none" : wrapped(pods.map((unit) => unit.name.replace(/-[0-9a-f]{8}-[0-9a-f]{5}$/, "")))}`,
    `  Files      ${near(status.configDir)}    edit them; every change is taken at once`,
    `  Logs       ${near(join(status.runDir, "logs"))}    or: npx xebec logs POD -f`,
    "  Status     npx xebec status    npx xebec check    npx xebec proxy-status",
    foreground ? "  End        Ctrl-C" : "  End        npx xebec down",
    "",
  ]
    .map((line) => `${line}\n`)
    .join("");
}

/** Names after a heading of 13 characters, in lines that fit a terminal of 80 columns; no name is broken. */
export function wrapped(names: readonly string[]): string {
  const lines: string[] = [];
  for (const [i, name] of names.entries()) {
    const item = i < names.length - 1 ? `${name},` : name;
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + item.length <= 66) lines[lines.length - 1] = `${last} ${item}`;
    else lines.push(item);
  }
  return lines.join(`\n${" ".repeat(13)}`);
}
