import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { promisify } from "node:util";
import { findKubeProgram } from "@xebec/platform-cluster/assets";
import { PLACES } from "./places.ts";

/** Runs kubectl. @param input its standard input @returns its standard output @throws Error with what it said */
export type RunKubectl = (args: readonly string[], input?: string) => Promise<string>;

/** kubectl for the cluster of a kubeconfig file. */
export function kubectlOf(kubeconfig: string): RunKubectl {
  const program = findKubeProgram("kubectl", PLACES) ?? "kubectl";
  return async (args, input) => {
    const call = promisify(execFile)(program, ["--kubeconfig", kubeconfig, ...args], {
      maxBuffer: 64 << 20,
      // Its caches lie in the home directory.
      env: { ...process.env, HOME: tmpdir() },
    });
    call.child.stdin?.end(input);
    return (await call).stdout;
  };
}
