import { existsSync } from "node:fs";
import { join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import type { ContainerSpec } from "./manifest-objects.ts";

const BOOKINFO = /^examples-bookinfo-(productpage|details|reviews|ratings|ratings-db)-(v\d+)$/;
/** Images of Istio's task samples, and the arguments of the one program that serves them all. */
const TASKS: readonly (readonly [image: RegExp, args: (version: string) => readonly string[]])[] = [
  [/^examples-helloworld-(v\d+)$/, (version) => ["helloworld", version]],
  [/^(?:go-)?httpbin$/, () => ["httpbin"]],
  [/^tcp-echo-server$/, () => ["tcp-echo"]],
  [/^examples-issuer$/, () => ["issuer"]],
];
const AGENT_IMAGES: ReadonlySet<string> = new Set(["proxyv2", "pilot-agent"]);

/**
 * The command of a container on this machine. An image names an app or sample of ours by its last path segment; any other
 * container must say its command itself.
 * @param root the repository's root
 * @throws XebecError invalid_argument when there is neither
 */
export function containerCommand(container: ContainerSpec, root: string): [string, ...string[]] {
  const args = [...(container.args ?? [])];
  const [file, ...rest] = container.command ?? [];
  if (file !== undefined) return [file, ...rest, ...args];
  const image = (container.image ?? "").split("/").at(-1)?.split(/[:@]/)[0] ?? "";
  if (AGENT_IMAGES.has(image)) return [process.execPath, ...NODE_FLAGS, appEntry(root, "apps/pilot-agent"), ...args];
  const sample = BOOKINFO.exec(image);
  if (sample)
    return [
      process.execPath,
      ...NODE_FLAGS,
      appEntry(root, "deploy/samples/bookinfo"),
      sample[1] as string,
      sample[2] as string,
      ...args,
    ];
  for (const [pattern, words] of TASKS) {
    const task = pattern.exec(image);
    if (task)
      return [
        process.execPath,
        ...NODE_FLAGS,
        appEntry(root, "deploy/samples/tasks"),
        ...words(task[1] ?? ""),
        ...args,
      ];
  }
  throw new XebecError(
    "invalid_argument",
    `container ${container.name}: image ${container.image ?? "(none)"} is not one that runs here; give it a command`,
  );
}

/** So that a process can give back what only its start needed (`afterStart`). */
const COLLECT = "--expose-gc";

/** Many small processes: a small young generation keeps each of them small. */
export const NODE_FLAGS: readonly string[] = ["--max-semi-space-size=1", COLLECT];

/** One arena for all threads of a process, whose native memory is little and short-lived: 5 MiB less for each of them. */
export const NODE_ENVIRONMENT: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: "1" };

/** The program of an app: its bundle when one was made for this start, else its source. */
export function appEntry(root: string, app: string): string {
  const bundle = join(root, app, "dist/main.mjs");
  return process.env.XEBEC_USE_BUNDLES === "1" && existsSync(bundle) ? bundle : join(root, app, "src/main.ts");
}

/**
 * Services have more to do at a time. Measured against 4 MiB: some 20 MiB more memory for a service, a fifth to a half less CPU
 * for a change on a thousand proxies, and no checks that wait 15 to 40 ms for the garbage collector.
 */
export const SERVICE_NODE_FLAGS: readonly string[] = ["--max-semi-space-size=16", COLLECT];
