/** An image of ours. */
export interface ImageSpec {
  readonly name: string;
  /** The app whose bundle it runs. */
  readonly app: string;
  /** Programs that the app starts, besides Node. */
  readonly programs?: readonly "envoy"[];
  /** The user; no image runs as root but the one that sets up a pod's network. */
  readonly uid: number;
}

const service = (name: string): ImageSpec => ({ name, app: name, uid: 65_532 });

/** All images. proxy-init needs iptables of a distribution, so only its Dockerfile makes it. */
export const IMAGES: readonly ImageSpec[] = [
  ...["pilot", "citadel", "galley", "sidecar-injector", "mixer-policy", "mixer-telemetry", "istiod"].map(service),
  { name: "proxyv2", app: "pilot-agent", programs: ["envoy"], uid: 1337 },
  { name: "cli", app: "xebec", uid: 65_532 },
];

/** What a container of the image runs. Its working directory is `/`: the agent finds what is mounted there. */
export function entrypointOf({ app }: ImageSpec): string[] {
  return ["/usr/local/bin/node", "--max-semi-space-size=16", "--expose-gc", `/app/apps/${app}/dist/main.mjs`];
}
