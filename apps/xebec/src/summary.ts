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
    `  Services   ${services.map((unit) => `${unit.name} ${unit.addresses[0]}`).join(", ")}`,
    `  Pods       ${pods.length === 0 ? "none" : pods.map((unit) => unit.name.replace(/-[0-9a-f]{8}-[0-9a-f]{5}$/, "")).join(", ")}`,
    `  Files      ${near(status.configDir)}    edit them; every change is taken at once`,
    `  Logs       ${near(join(status.runDir, "logs"))}    or: npx xebec logs POD -f`,
    "  Status     npx xebec status    npx xebec check    npx xebec proxy-status",
    foreground ? "  End        Ctrl-C" : "  End        npx xebec down",
    "",
  ]
    .map((line) => `${line}\n`)
    .join("");
}
