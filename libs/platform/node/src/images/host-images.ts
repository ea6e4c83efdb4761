import { arch } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import { appEntry, NODE_ENVIRONMENT, NODE_FLAGS, SERVICE_NODE_FLAGS } from "@xebec/platform-local/images";
import type { Image, ImageStore } from "../runtime/image.ts";

export interface HostImagesOptions {
  /** The working copy. */
  readonly root: string;
  /** Folders that come first in every container's PATH: iptables, kubectl. */
  readonly path: readonly string[];
  /** Envoy and nats-server, where they are known. */
  readonly programs: { readonly envoy?: string; readonly "nats-server"?: string };
}

/** How an image runs on this machine. */
interface HostImage {
  /** Of the image's repository: `docker.io/istio/proxyv2:1.29` is `istio/proxyv2`. */
  readonly pattern: RegExp;
  /** For the list that an unknown image gets as an answer. */
  readonly title: string;
  entrypoint(match: RegExpExecArray, options: HostImagesOptions, tag: string): readonly string[];
  readonly cmd?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
  /** Folder of the working copy whose commands its containers have, too. */
  readonly commands?: string;
}

/** The group and user of Istio's proxy, and the one of images without root. */
const PROXY_UID = 1337;
const NONROOT_UID = 65_532;

const node = (options: HostImagesOptions, app: string, flags = NODE_FLAGS): string[] => [
  process.execPath,
  ...flags,
  appEntry(options.root, app),
];
const tasks = (options: HostImagesOptions, ...words: readonly string[]): string[] => [
  ...node(options, "deploy/samples/tasks"),
  ...words,
];
const OPEN = { BIND_ADDRESS: "0.0.0.0" };

/**
 * Every image that runs here without a registry, by its repository: our own, and those of Istio's samples. The last part of the
 * name decides, whatever registry and organization come before it. docs/cluster.md has the list.
 */
const IMAGES: readonly HostImage[] = [
  {
    pattern: /(?:^|\/)(?:xebec-)?(pilot|citadel|galley|sidecar-injector|mixer-policy|mixer-telemetry|istiod)$/,
    title: "pilot, citadel, galley, sidecar-injector, mixer-policy, mixer-telemetry, istiod",
    entrypoint: ([, app], options) => node(options, `apps/${app}`, SERVICE_NODE_FLAGS),
    uid: NONROOT_UID,
  },
  {
    pattern: /(?:^|\/)(?:xebec-)?(?:proxy-init|proxy_init|istio-iptables)$/,
    title: "proxy-init",
    entrypoint: (_, options) => node(options, "apps/proxy-init"),
  },
  {
    pattern: /(?:^|\/)(?:xebec-)?(?:proxyv2|pilot-agent|proxy)$/,
    title: "proxyv2",
    entrypoint: (_, options) => node(options, "apps/pilot-agent"),
    uid: PROXY_UID,
    commands: "apps/pilot-agent/bin",
  },
  {
    pattern: /(?:^|\/)(?:xebec-)?cli$/,
    title: "xebec-cli",
    entrypoint: (_, options) => node(options, "apps/xebec"),
  },
  {
    pattern: /(?:^|\/)examples-bookinfo-(productpage|details|reviews|ratings|ratings-db)-(v\d+)$/,
    title: "examples-bookinfo-*",
    entrypoint: ([, service, version], options) => [
      ...node(options, "deploy/samples/bookinfo"),
      service as string,
      version as string,
    ],
    env: OPEN,
  },
  {
    pattern: /(?:^|\/)examples-helloworld-(v\d+)$/,
    title: "examples-helloworld-*",
    entrypoint: ([, version], options) => tasks(options, "helloworld", version as string),
    env: OPEN,
  },
  {
    pattern: /(?:^|\/)go-httpbin$/,
    title: "go-httpbin",
    entrypoint: (_, options) => tasks(options, "httpbin"),
    env: { ...OPEN, PORT: "8080" },
  },
  {
    pattern: /(?:^|\/)httpbin$/,
    title: "httpbin",
    entrypoint: (_, options) => tasks(options, "httpbin"),
    env: { ...OPEN, PORT: "80" },
  },
  {
    pattern: /(?:^|\/)tcp-echo-server$/,
    title: "tcp-echo-server",
    entrypoint: (_, options) => tasks(options, "tcp-echo"),
    env: OPEN,
  },
  {
    pattern: /(?:^|\/)examples-issuer$/,
    title: "examples-issuer",
    entrypoint: (_, options) => tasks(options, "issuer"),
    env: OPEN,
  },
  {
    pattern: /(?:^|\/)nats(?:-server)?$/,
    title: "nats",
    entrypoint: (_, { programs }) => [programs["nats-server"] ?? "nats-server"],
  },
  { pattern: /(?:^|\/)redis$/, title: "redis", entrypoint: () => [], cmd: ["redis-server", "--protected-mode", "no"] },
  { pattern: /(?:^|\/)node$/, title: "node", entrypoint: () => [], cmd: ["node"] },
  { pattern: /(?:^|\/)python3?$/, title: "python", entrypoint: () => [], cmd: ["python3"] },
  { pattern: /(?:^|\/)kubectl$/, title: "kubectl", entrypoint: () => ["kubectl"] },
  { pattern: /(?:^|\/)pause$/, title: "pause", entrypoint: () => ["sleep", "infinity"] },
  { pattern: /(?:^|\/)curl$/, title: "curl", entrypoint: () => [], cmd: ["curl", "--help"], uid: 100 },
  {
    pattern: /(?:^|\/)(?:busybox|alpine|debian|ubuntu|bash|sleep|netshoot|base)$/,
    title: "busybox, alpine, debian, ubuntu, bash",
    entrypoint: () => [],
    cmd: ["sh"],
  },
];

/** The names of the images that run here, for people. */
export const KNOWN_IMAGES: readonly string[] = IMAGES.map(({ title }) => title);

/** Images that are programs of this machine and of the working copy. */
export class HostImages implements ImageStore {
  readonly #options: HostImagesOptions;

  constructor(options: HostImagesOptions) {
    this.#options = options;
  }

  /** @throws XebecError not_found that lists the images that there are */
  async resolve(image: string): Promise<Image> {
    const { repository, tag } = splitImage(image);
    for (const each of IMAGES) {
      const match = each.pattern.exec(repository);
      if (!match) continue;
      const uid = each.uid ?? 0;
      return {
        layers: ["/"],
        entrypoint: each.entrypoint(match, this.#options, tag),
        cmd: each.cmd ?? [],
        env: { ...this.#environment(each.commands), ...each.env },
        workingDir: "/",
        user: { uid, gid: uid },
        id: `xebec.host/${repository}@${arch()}`,
      };
    }
    throw new XebecError(
      "not_found",
      `image ${image} does not run on this node, which pulls from no registry; these do: ${KNOWN_IMAGES.join(", ")}; an OCI archive in the cluster's images folder does, too`,
    );
  }

  #environment(commands?: string): Record<string, string> {
    const { root, path, programs } = this.#options;
    const folders = [dirname(process.execPath), ...(commands ? [join(root, commands)] : []), ...path];
    return {
      ...NODE_ENVIRONMENT,
      PATH: [...folders, "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"].join(delimiter),
      ...(programs.envoy ? { XEBEC_ENVOY: programs.envoy } : {}),
      ...(programs["nats-server"] ? { XEBEC_NATS_SERVER: programs["nats-server"] } : {}),
      ...(process.env.XEBEC_USE_BUNDLES ? { XEBEC_USE_BUNDLES: process.env.XEBEC_USE_BUNDLES } : {}),
      HOME: "/tmp",
    };
  }
}

/** `docker.io/istio/proxyv2:1.29@sha256:...` → its repository and tag. */
export function splitImage(image: string): { readonly repository: string; readonly tag: string } {
  const [name = ""] = image.split("@");
  const colon = name.lastIndexOf(":");
  const hasTag = colon > name.lastIndexOf("/");
  return { repository: hasTag ? name.slice(0, colon) : name, tag: hasTag ? name.slice(colon + 1) : "latest" };
}

/** The folders of this machine that every container has to see. */
export function visibleFolders(root: string, path: readonly string[]): string[] {
  const folders = [root, join(dirname(process.execPath)), ...path];
  return [...new Set(folders)].filter(
    (each) => !folders.some((other) => other !== each && each.startsWith(`${other}/`)),
  );
}
