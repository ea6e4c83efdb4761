import { XebecError } from "@xebec/core-errors";
import { explainRequest, explainResponse, type FlagMeaning, type ProxyView, readAccessLog } from "@xebec/pilot-explain";
import { identityOf, readConfigDump } from "@xebec/pilot-proxy-config";
import type { MeshStatus } from "@xebec/platform-local";
import { callSupervisor } from "../control.ts";
import { findObject, type UsedObject } from "../find-object.ts";
import { type OfflineOptions, offlineMesh } from "../offline.ts";
import { type Format, listing, print, table } from "../output.ts";
import { runDirectory } from "../paths.ts";
import { askEnvoy, askPilot, findProxy } from "../proxy-source.ts";

interface Options {
  readonly output: Format;
}

/** `xebec explain KIND NAME`: where an object is attached, and which fields have no effect and why. @returns 1 when it is not in effect */
export async function object(
  kind: string,
  name: string | undefined,
  options: Options & { readonly namespace: string },
): Promise<number> {
  const [word, own = name] = kind.includes("/") ? (kind.split("/") as [string, string]) : [kind, name];
  if (own === undefined) throw new XebecError("invalid_argument", "name the object: xebec explain KIND NAME");
  const found = await findObject(word, own, options.namespace);
  const uses = found.isOfPilot
    ? (JSON.parse(await askPilot(`/debug/objectz?object=${encodeURIComponent(found.key)}`)) as ObjectUse[])
    : [];
  const data = {
    object: found.key,
    file: found.place,
    state: found.state,
    remarks: found.remarks,
    conditions: found.conditions,
    proxies: uses,
  };
  print(listing(options.output, data, () => objectText(found, uses)));
  return found.state === "refused" || found.state === "no effect" ? 1 : 0;
}

interface ObjectUse {
  readonly proxy: string;
  readonly resources: readonly { readonly type: string; readonly name: string; readonly parts: readonly string[] }[];
}

function objectText(found: UsedObject, uses: readonly ObjectUse[]): string {
  const head = `${found.key}\n  ${found.place}\n  ${found.state}\n`;
  const remarks = found.remarks.map((each) => `  ${each}\n`).join("");
  if (uses.length === 0)
    return `${head}${remarks}${found.isOfPilot ? "\nNothing of any proxy's configuration came from it.\n" : ""}`;
  const rows = uses.flatMap(({ proxy, resources }) =>
    resources.flatMap(({ type, name, parts }) =>
      (parts.length > 0 ? parts : ["-"]).map((part) => [proxy, type, name, part]),
    ),
  );
  return `${head}${remarks}\n${table(["PROXY", "TYPE", "RESOURCE", "PART"], rows)}`;
}

export interface RequestOptions extends Options, OfflineOptions {
  readonly from?: string;
  readonly to?: string;
  readonly method: string;
  readonly path: string;
  readonly header?: Readonly<Record<string, string>>;
  readonly claim?: Readonly<Record<string, string>>;
}

/** `xebec explain request`: the way of a request through the proxies, by the configuration that they have now, or that pilot would send. Nothing is sent. */
export async function request(options: RequestOptions): Promise<number> {
  const { from, to, method, path, header = {}, claim } = options;
  if (from === undefined || to === undefined)
    throw new XebecError("invalid_argument", "say who calls whom: xebec explain request --from POD --to HOST[:PORT]");
  if (!path.startsWith("/")) throw new XebecError("invalid_argument", `the path "${path}" must begin with a slash`);
  const asked = {
    ...{ method: method.toUpperCase(), host: header.host ?? to, path, headers: header },
    port: Number(/:(\d+)$/.exec(to)?.[1] ?? 80),
    ...(claim && { claims: claim }),
  };
  const { client, serverAt } = options.offline ? await offlineParties(from, options) : await runningParties(from);
  const outcome = await explainRequest(client, asked, serverAt);
  print(
    listing(options.output, { request: asked, ...outcome }, () => {
      const rows = outcome.steps.map(({ where, what, name, detail }) => [where, what, name, detail]);
      const status = outcome.status === undefined ? "" : ` with ${outcome.status}`;
      const end = outcome.passes ? "passes" : "ends";
      return `${table(["PROXY", "STEP", "NAME", "DETAIL"], rows)}\nThe request ${end}${status}: ${outcome.reason}.\n`;
    }),
  );
  return 0;
}

/** The client, and whoever it may reach. */
interface Parties {
  readonly client: ProxyView;
  readonly serverAt: (address: string) => Promise<ProxyView | undefined>;
}

async function offlineParties(from: string, options: OfflineOptions): Promise<Parties> {
  const mesh = offlineMesh(options);
  return { client: await mesh.viewOf(from), serverAt: (address) => mesh.viewAt(address) };
}

async function runningParties(from: string): Promise<Parties> {
  const { processes } = await callSupervisor<MeshStatus>(runDirectory(), "GET", "/status");
  return {
    client: await proxyView(from, processes),
    async serverAt(address) {
      const pod = processes.find(({ kind, addresses }) => kind === "pod" && addresses.includes(address));
      return pod && proxyView(pod.name, processes);
    },
  };
}

async function proxyView(pod: string, processes: MeshStatus["processes"]): Promise<ProxyView> {
  const admin = await findProxy(pod);
  const dump = readConfigDump(await askEnvoy(admin, "/config_dump?include_eds"));
  const found = processes.find(({ addresses }) => addresses.includes(admin.host));
  return { name: admin.proxy, dump, identity: identityOf(dump), address: found?.addresses[0] ?? admin.host };
}

function causesText(flags: readonly FlagMeaning[]): string {
  return flags
    .map(({ flag, meaning, causes }) => {
      const list = causes.map((each, i) => `  ${i + 1}. ${each}\n`).join("");
      return `${flag}: ${meaning}. Likely causes, the likeliest first:\n${list}`;
    })
    .join("");
}

/** `xebec explain LINE`: what a line of an access log, or a status with response flags, says, and the likely causes. */
export async function response(line: string, options: Options): Promise<number> {
  const found = explainResponse(readAccessLog(line));
  print(
    listing(options.output, found, () => {
      const facts = found.facts.map((each) => `${each}\n`).join("");
      const all = facts + causesText(found.flags);
      if (all) return all;
      const { code } = found.line;
      const own = `status ${code} without response flags came from the application`;
      if (found.possibleFlags.length === 0) return `Nothing in it says why; ${own}.\n`;
      return `Who gave the answer is said by the response flags in the access log: ${own}, and with flags from a proxy. The likeliest first:\n\n${causesText(found.possibleFlags)}`;
    }),
  );
  return 0;
}
