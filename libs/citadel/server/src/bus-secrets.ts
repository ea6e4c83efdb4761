import { createHash, randomBytes } from "node:crypto";
import { sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { BUS_USERS, type BusUser } from "@xebec/model-bus";
import { makeSeed, publicKeyOf, renderAuthorization, renderCluster, renderSystemAccount } from "@xebec/platform-bus";
import { isAlreadyExists, isNotFound, type KubeClient, type KubeObject, RESOURCES } from "@xebec/platform-kube";

const log = logger("citadel");
/** The objects' names, by which the charts mount them. */
const SERVER_SECRET = "xebec-bus-server";
/** The seed by which citadel has the servers read a new certificate. */
const CONTROL_SECRET = "xebec-bus-control";
const KEYS_CONFIG_MAP = "xebec-bus-keys";
const secretOf = (user: BusUser): string => `xebec-bus-${user}`;
/** The servers, which are restarted in turn when somebody may do something new. */
const STATEFUL_SETS = { group: "apps", version: "v1", kind: "StatefulSet", plural: "statefulsets" };
const DEPLOYMENTS = { group: "apps", version: "v1", kind: "Deployment", plural: "deployments" };
const SERVERS = "xebec-nats";
const RETRY_MS = 1_000;

/** The keys of the bus, as far as citadel itself needs them. */
export interface BusSecrets {
  readonly seed: string;
  /** Of the user that has servers read their configuration again. */
  readonly controlSeed: string;
  readonly publicKeys: Readonly<Record<BusUser, string>>;
}

interface SecretObject extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/**
 * Makes the keys of the bus that are missing, and keeps them in Secrets: one for each service with its own seed, one for the servers
 * with who may do what, and a config map with the public keys. Replicas of citadel agree: whose Secret was there first, wins. They go
 * with the Deployment that citadel belongs to.
 * @param owner the Deployment's name
 * @param servers how many servers of the bus there are
 * @returns citadel's own seed, and the public keys
 * @throws XebecError cancelled; every other error is logged, and it tries again
 */
export async function ensureBusSecrets(options: {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly owner: string;
  readonly servers: number;
  readonly signal: AbortSignal;
}): Promise<BusSecrets> {
  for (let attempt = 0; !options.signal.aborted; attempt++)
    try {
      return await ensure(options);
    } catch (error) {
      const text = "the keys of the bus cannot be kept in Secrets yet; trying again";
      if (attempt % 30 === 0) log.warn({ err: error }, text);
      await sleep(RETRY_MS, options.signal);
    }
  throw new XebecError("cancelled", "citadel is ending");
}

async function ensure({
  client,
  namespace,
  owner,
  servers,
}: Parameters<typeof ensureBusSecrets>[0]): Promise<BusSecrets> {
  const metadata = await metadataOf(client, namespace, owner);
  const seeds = {} as Record<BusUser, string>;
  for (const user of BUS_USERS)
    seeds[user] = await secretValue(client, { ...metadata, name: secretOf(user) }, "seed", makeSeed);
  const publicKeys = Object.fromEntries(
    BUS_USERS.map((user) => [user, publicKeyOf(seeds[user].trim(), `Secret ${namespace}/${secretOf(user)}`)]),
  ) as Record<BusUser, string>;

  await put(client, RESOURCES.configMaps, {
    ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { ...metadata, name: KEYS_CONFIG_MAP } },
    data: { "public-keys.json": `${JSON.stringify(publicKeys, null, 2)}\n` },
  });
  const server = { ...metadata, name: SERVER_SECRET };
  const password = await secretValue(client, server, "password", () => randomBytes(24).toString("base64url"));
  const control = await secretValue(client, { ...metadata, name: CONTROL_SECRET }, "seed", makeSeed);
  const system = renderSystemAccount({ control: publicKeyOf(control.trim(), `Secret ${CONTROL_SECRET}`) });
  const files = {
    "authorization.conf": `${renderAuthorization(publicKeys)}${system}`,
    "cluster.conf": renderCluster(
      password,
      serversOf(namespace, servers).map((each) => `${each}:6222`),
    ),
  };
  if (await putFiles(client, server, files)) await restartServers(client, namespace, files);
  return { seed: seeds.citadel.trim(), controlSeed: control.trim(), publicKeys };
}

/** What all objects have; without the Deployment (citadel runs in another way) they have no owner. */
export async function metadataOf(client: KubeClient, namespace: string, owner: string) {
  const labels = { "app.kubernetes.io/part-of": "xebec", "app.kubernetes.io/managed-by": "citadel" };
  const deployment = await client.get(DEPLOYMENTS, { namespace, name: owner }).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  const uid = deployment?.metadata.uid;
  const ownerReferences = uid ? [{ apiVersion: "apps/v1", kind: "Deployment", name: owner, uid }] : [];
  return { namespace, labels, ownerReferences };
}

type Metadata = Awaited<ReturnType<typeof metadataOf>> & { readonly name: string };

/** The value of a Secret; it is made when there is none. */
async function secretValue(client: KubeClient, metadata: Metadata, key: string, make: () => string): Promise<string> {
  const { namespace, name } = metadata;
  const found = await secret(client, namespace, name);
  if (found) return decoded(found, key);
  const data = { [key]: encoded(make()) };
  try {
    const made = { apiVersion: "v1", kind: "Secret", metadata, type: "Opaque", data } as SecretObject;
    return decoded(await client.create<SecretObject>(RESOURCES.secrets, made), key);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    // Another replica was faster.
    return decoded(await client.get<SecretObject>(RESOURCES.secrets, { namespace, name }), key);
  }
}

/** The servers, as the chart names them. */
function serversOf(namespace: string, servers: number): string[] {
  return Array.from({ length: servers }, (_, i) => `${SERVERS}-${i}.${SERVERS}-headless.${namespace}.svc`);
}

/** By what clients and the servers among each other know them: the names in their certificate. `localhost` is for a forwarded port. */
export function busServerNames(namespace: string, servers: number): string[] {
  const service = `${SERVERS}.${namespace}`;
  const all = [SERVERS, service, `${service}.svc`, `${service}.svc.cluster.local`, "localhost"];
  return [...all, ...serversOf(namespace, servers)];
}

/** Puts files into a Secret that exists. @returns whether servers may run that have others */
async function putFiles(client: KubeClient, metadata: Metadata, files: Readonly<Record<string, string>>) {
  const { namespace, name } = metadata;
  const before = (await client.get<SecretObject>(RESOURCES.secrets, { namespace, name })).data ?? {};
  const data = Object.fromEntries(Object.entries(files).map(([key, text]) => [key, encoded(text)]));
  if (Object.entries(data).every(([key, text]) => before[key] === text)) return false;
  await client.patch(RESOURCES.secrets, { namespace, name }, { data });
  return Object.keys(data).some((key) => before[key] !== undefined);
}

/** The servers read who may do what at their start only. */
async function restartServers(client: KubeClient, namespace: string, files: object): Promise<void> {
  const hash = createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 16);
  const annotations = { "xebec.io/authorization": hash };
  try {
    const patch = { spec: { template: { metadata: { annotations } } } };
    await client.patch(STATEFUL_SETS, { namespace, name: SERVERS }, patch);
    log.info("the servers of the bus are restarted in turn: who may do what has changed");
  } catch (error) {
    // The bus is somebody else's.
    if (!isNotFound(error)) throw error;
  }
}

async function put(client: KubeClient, type: typeof RESOURCES.configMaps, object: SecretObject): Promise<void> {
  const { namespace, name } = object.metadata;
  try {
    await client.create(type, object);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    await client.patch(type, { namespace, name }, { data: object.data });
  }
}

async function secret(client: KubeClient, namespace: string, name: string): Promise<SecretObject | undefined> {
  try {
    return await client.get<SecretObject>(RESOURCES.secrets, { namespace, name });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function decoded({ metadata, data }: SecretObject, key: string): string {
  const value = data?.[key];
  if (value === undefined)
    throw new XebecError(
      "failed_precondition",
      `Secret ${metadata.namespace}/${metadata.name} has no ${key}; delete it, and citadel makes it anew`,
    );
  return Buffer.from(value, "base64").toString();
}

function encoded(text: string): string {
  return Buffer.from(text).toString("base64");
}
