import { join, relative } from "node:path";
import type { MeshStatus } from "@xebec/platform-local";

/** What a user wants to know when the mesh has come up. */
export function summary(
  status: MeshStatus,
  foreground: boolean,
  configIsOurs: boolean,
  home = process.env.XEBEC_HOME,
): string {
  const services = status.processes.filter((each) => each.kind === "service");
  const pods = status.processes.filter((each) => each.kind === "pod");
  const near = (path: string): string => {
    const short = relative(process.cwd(), path);
    return short === "" ? "." : short.startsWith("..") ? path : short;
  };
  // Commands find another mesh than that of the working copy only by this variable.
  const xebec = `${home ? `XEBEC_HOME=${/^[\w./-]+$/.test(home) ? home : `'${home.replaceAll("'", "'\\''")}'`} ` : ""}npx xebec`;
  return [
    "",
    `The mesh is up: ${services.length} services, ${pods.length} pods.`,
    "",
    `  Ingress    ${hasIngress(status) ? `${status.ingress}${configIsOurs ? "/productpage" : ""}` : "none: no pod of a Deployment istio-ingressgateway"}`,
    `  Services   ${wrapped(services.map((each) => `${each.name} ${each.addresses[0]}`))}`,
    `  Pods       ${pods.length === 0 ? "none" : wrapped(pods.map((each) => each.name.replace(/-[0-9a-f]{8}-[0-9a-f]{5}$/, "")))}`,
    `  Files      ${near(status.configDir)}    edit them; every change is taken at once`,
    `  Logs       ${near(join(status.runDir, "logs"))}    or: ${xebec} logs POD -f`,
    ...(home
      ? [`  Status     ${xebec} status`, "             and: check, proxy-status"]
      : ["  Status     npx xebec status    npx xebec check    npx xebec proxy-status"]),
    foreground ? "  End        Ctrl-C" : `  End        ${xebec} down`,
    "",
  ]
    .map((line) => `${line}\n`)
    .join("");
}

/** Whether a gateway pod listens at the ingress port. */
export function hasIngress({ processes }: Pick<MeshStatus, "processes">): boolean {
  return processes.some((each) => each.kind === "pod" && each.name.includes("/istio-ingressgateway-"));
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
