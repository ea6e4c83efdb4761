import { spawn } from "node:child_process";
import { XebecError } from "@xebec/core-errors";
import { podIn } from "@xebec/platform-local";
import { PROCESS_ENVS } from "@xebec/platform-process";
import { callSupervisor } from "../control.ts";
import { runDirectory } from "../paths.ts";

/** `xebec exec POD -- COMMAND`: runs a command as a container of the pod would. @returns its exit code */
export async function exec(
  pod: string,
  command: readonly string[],
  options: { readonly container?: string; readonly namespace?: string },
): Promise<number> {
  const [file, ...args] = command;
  if (file === undefined) throw new XebecError("invalid_argument", "say what to run: xebec exec POD -- COMMAND");
  const query = options.container ? `?container=${encodeURIComponent(options.container)}` : "";
  const { env, cwd } = await callSupervisor<{ env: Record<string, string>; cwd: string }>(
    runDirectory(),
    "GET",
    `/exec/${encodeURIComponent(podIn(pod, options.namespace))}${query}`,
  );
  // What the user starts is not part of the mesh: down must not end it.
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => !PROCESS_ENVS.includes(name)));
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env: own, stdio: "inherit" });
    child.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        new XebecError(
          "not_found",
          `${file} cannot be started: ${error.code === "ENOENT" ? "there is no such program" : error.message}`,
        ),
      ),
    );
    child.once("exit", (code) => resolve(code ?? 1));
  });
}
