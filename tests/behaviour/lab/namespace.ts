import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Tasks } from "./inside.ts";

/** Runs the command behind it in a network namespace of its own, in which 127.0.0.0/8 and 10.0.0.0/8 are the machine's own. */
export const IN_NAMESPACE = [
  ...["unshare", "--map-root-user", "--net", "sh", "-c"],
  'ip link set lo up; ip route add local 10.0.0.0/8 dev lo; exec "$@"',
  "sh",
];

/** A network namespace with a process inside that serves and calls. */
export interface Namespace {
  /** Does a task inside. */
  do<T extends keyof Tasks>(task: T, ...args: Parameters<Tasks[T]>): Promise<Awaited<ReturnType<Tasks[T]>>>;
  /** The command that runs a program inside. */
  command(program: string, args: readonly string[]): [string, string[]];
  close(): Promise<void>;
}

/** Makes a network namespace; no root is needed. It ends with this process. */
export async function openNamespace(): Promise<Namespace> {
  const [program = "", ...args] = [...IN_NAMESPACE, process.execPath, join(import.meta.dirname, "inside.ts")];
  const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let count = 0;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  void ended.then(() => {
    for (const each of waiting.values()) each.reject(new Error("the process inside the namespace has ended"));
  });
  await once(child, "message");
  child.on("message", ({ id, result, error }: { id: number; result?: unknown; error?: string }) => {
    const each = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) each?.resolve(result);
    else each?.reject(new Error(error));
  });
  return {
    do: (task, ...values) =>
      new Promise((resolve, reject) => {
        const id = ++count;
        waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
        child.send({ id, task, args: values });
      }),
    command: (inner, list) => [
      "nsenter",
      ["--user", "--net", "--preserve-credentials", "-t", String(child.pid), inner, ...list],
    ],
    async close() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
