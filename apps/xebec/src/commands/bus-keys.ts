import { randomBytes } from "node:crypto";
import { writeYaml } from "@xebec/core-yaml";
import { BUS_USERS, type BusUser } from "@xebec/model-bus";
import { makeSeed, publicKeyOf, renderAuthorization, renderCluster } from "@xebec/platform-bus";
import { print } from "../output.ts";

/**
 * `xebec bus-keys`: a Secret with the keys of the bus, for a control plane whose citadel does not make them
 * (`nats.auth.existingSecret`).
 */
export async function busKeys(flags: {
  readonly name: string;
  readonly namespace: string;
  readonly servers: number;
}): Promise<number> {
  const { name, namespace, servers } = flags;
  const seeds = Object.fromEntries(BUS_USERS.map((user) => [user, makeSeed()])) as Record<BusUser, string>;
  const keys = Object.fromEntries(BUS_USERS.map((user) => [user, publicKeyOf(seeds[user])])) as Record<BusUser, string>;
  const hosts = Array.from({ length: servers }, (_, i) => `xebec-nats-${i}.xebec-nats-headless.${namespace}.svc:6222`);
  print(
    writeYaml({
      ...{ apiVersion: "v1", kind: "Secret", metadata: { name, namespace } },
      stringData: {
        ...Object.fromEntries(BUS_USERS.map((user) => [`${user}.seed`, seeds[user]])),
        "public-keys.json": `${JSON.stringify(keys, null, 2)}\n`,
        "authorization.conf": renderAuthorization(keys),
        "cluster.conf": renderCluster(randomBytes(24).toString("base64url"), hosts),
      },
    }),
  );
  return 0;
}
