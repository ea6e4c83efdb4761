import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { sleep } from "@xebec/core-async";
import { isXebecError } from "@xebec/core-errors";
import { chooseContainer, podIn } from "@xebec/platform-local";
import { callSupervisor } from "../control.ts";
import { runDirectory } from "../paths.ts";
import { tailOffset } from "../tail-offset.ts";

const CHUNK = 256 << 10;
const POLL_MS = 200;
const OWN: Readonly<Record<string, string>> = {
  supervisor: "supervisor",
  watchdog: "watchdog",
  // Its name in earlier versions.
  guardian: "watchdog",
};

/** `xebec logs`: what a pod's container, or a service, has written. */
export async function logs(
  pod: string,
  options: {
    /** The pod's, where its name does not say it. */
    readonly namespace?: string;
    readonly container?: string;
    readonly follow?: true;
    /** Only so many of the last lines. */
    readonly tail?: number;
  },
): Promise<number> {
  const name = podIn(pod, options.namespace);
  const files = await logFiles(runDirectory(), name);
  const file = files[chooseContainer(name, Object.keys(files), options.container)];
  if (file === undefined || !existsSync(file)) return 0;
  let at = copy(file, options.tail === undefined ? 0 : tailOffset(file, options.tail));
  while (options.follow) {
    await sleep(POLL_MS);
    // A file that has become shorter was begun anew.
    if (existsSync(file)) at = copy(file, statSync(file).size < at ? 0 : at);
  }
  return 0;
}

/** Where a pod or service writes, by container; found by its files when no supervisor runs. */
async function logFiles(runDir: string, name: string): Promise<Readonly<Record<string, string>>> {
  const folder = join(runDir, "logs");
  if (Object.hasOwn(OWN, name)) return { [name]: join(folder, `${OWN[name]}.log`) };
  try {
    return await callSupervisor<Record<string, string>>(runDir, "GET", `/logs/${encodeURIComponent(name)}`);
  } catch (error) {
    if (!isXebecError(error) || error.code !== "unavailable" || !existsSync(folder)) throw error;
    const found: [string, string][] = readdirSync(folder).flatMap((file): [string, string][] => {
      if (file === `${name}.log`) return [[name, join(folder, file)]];
      const [, pod, container] = /^[^.]+\.(.+)\.([^.]+)\.log$/.exec(file) ?? [];
      const isMeant =
        pod &&
        [name, name.split("/").at(-1) ?? "", name.replace(/\.[^.]+$/, "")].some(
          (each) => pod === each || pod.startsWith(`${each}-`),
        );
      return isMeant && container ? [[container, join(folder, file)]] : [];
    });
    if (found.length === 0) throw error;
    return Object.fromEntries(found);
  }
}

function copy(file: string, from: number): number {
  const source = openSync(file, "r");
  const buffer = Buffer.allocUnsafe(CHUNK);
  try {
    let at = from;
    for (;;) {
      const count = readSync(source, buffer, 0, CHUNK, at);
      if (count === 0) return at;
      process.stdout.write(Buffer.from(buffer.subarray(0, count)));
      at += count;
    }
  } finally {
    closeSync(source);
  }
}
