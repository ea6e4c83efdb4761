import { Turns } from "@xebec/core-async";
import type { Component } from "@xebec/core-lifecycle";
import { type Credential, decodeSecretRecord, readCredential, secretKey } from "@xebec/model-pki";
import type { ConfigChange } from "@xebec/pilot-snapshot";
import { type Bus, createRevisionReader } from "@xebec/platform-bus";
import { decoded } from "./decode.ts";
import { InOrder } from "./in-order.ts";

/**
 * The bucket `secrets` of the bus, whoever fills it.
 * @param cacheDir where the last known good state is kept, readable by its owner alone
 * @param report takes what changed over
 */
export function busSecrets(
  bus: Bus,
  cacheDir: string | undefined,
  report: (change: ConfigChange, turns: Turns) => Promise<void>,
): Component[] {
  const order = new InOrder();
  const reader = createRevisionReader({
    ...{ bus, bucket: "secrets", name: "pilot secrets" },
    ...(cacheDir ? { cacheFile: `${cacheDir}/secrets.cache` } : {}),
    apply: ({ puts, deletes }) =>
      order.add(async () => {
        const turns = new Turns();
        const secrets = new Map<string, Credential | undefined>([...deletes].map((key) => [key, undefined]));
        for (const record of await decoded(puts, decodeSecretRecord, turns))
          secrets.set(secretKey(record), readCredential(record));
        await report({ puts: [], deletes: [], secrets }, turns);
      }),
  });
  return [
    {
      name: reader.name,
      start: (signal) => reader.start(signal),
      missing: () =>
        order.failed ? ["a change of Secrets could not be taken over; the log says why"] : (reader.missing?.() ?? []),
      close: async () => reader.close?.(),
    },
  ];
}
