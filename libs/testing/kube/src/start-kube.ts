import { ControlPlane, type ControlPlaneOptions } from "@xebec/platform-cluster";
import { findKubeAssets, type KubeProgram, missingPrograms } from "@xebec/platform-cluster/assets";
import { tempDir } from "@xebec/testing-launch";
import { kubectlOf, type RunKubectl } from "./kubectl.ts";
import { PLACES } from "./places.ts";

export type KubeOptions = Pick<ControlPlaneOptions, "controllers" | "scheduler" | "apiServerFlags">;

/** A real control plane without nodes, on loopback: etcd, kube-apiserver, and by default the controllers. */
export interface Kube extends AsyncDisposable {
  /** `https://127.0.0.1:PORT`. */
  readonly server: string;
  /** The path of a kubeconfig whose user may do everything. */
  readonly kubeconfig: string;
  /** Its parts: each can be ended, hung with signals, and started again. */
  readonly plane: ControlPlane;
  readonly kubectl: RunKubectl;
  close(): Promise<void>;
}

/**
 * Says what a test would need and this machine does not have, as the reason of a skipped test.
 * @returns undefined when all is there
 */
export function kubeMissing(
  programs: readonly KubeProgram[] = ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl"],
): string | undefined {
  const missing = missingPrograms(PLACES, programs);
  return missing.length > 0 ? `${missing.join(", ")} not found; run "npm run kube-assets"` : undefined;
}

/**
 * Starts a control plane on free ports of 127.0.0.1; it ends with this process. No pod runs in it: `xebec cluster` has a node.
 * @throws XebecError that says which program is missing, or the end of the log of the one that does not start
 */
export async function startKube({
  scheduler = false,
  controllers = true,
  ...options
}: KubeOptions = {}): Promise<Kube> {
  const assets = findKubeAssets(PLACES, [
    ...(["etcd", "kube-apiserver"] as const),
    ...(controllers ? (["kube-controller-manager"] as const) : []),
    ...(scheduler ? (["kube-scheduler"] as const) : []),
  ]);
  const folder = tempDir();
  const plane = await ControlPlane.create({ ...options, assets, directory: folder.path, controllers, scheduler });
  const close = async (): Promise<void> => {
    await plane.stop();
    folder.remove();
  };
  try {
    await plane.start();
  } catch (error) {
    folder.remove();
    throw error;
  }
  const kubeconfig = plane.kubeconfig();
  return {
    server: plane.server,
    kubeconfig,
    plane,
    kubectl: kubectlOf(kubeconfig),
    close,
    [Symbol.asyncDispose]: close,
  };
}
