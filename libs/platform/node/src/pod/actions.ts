import { act } from "@xebec/platform-local/container-action";
import type { Action } from "@xebec/platform-local/manifest-objects";
import type { Container } from "../api/types.ts";
import type { RunningContainer } from "../runtime/container.ts";

/**
 * Does what a probe or a hook says.
 * @param ip the pod's address
 * @returns whether it went well within the time
 */
export async function perform(
  action: Action,
  container: Container,
  running: RunningContainer,
  ip: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const place = {
    container: { ...container, env: [], volumeMounts: [] },
    host: ip,
    proxyHost: ip,
    env: { ...running.options.env },
    cwd: "/",
  };
  try {
    const inside = action.exec ? { exec: { command: running.execCommand(action.exec.command ?? []) } } : action;
    return await act(inside, place, timeoutMs, signal);
  } catch {
    return false; // it has ended, or what it should run does not exist there
  }
}
